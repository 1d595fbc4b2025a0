/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: a file being read. */
#ifndef GMD_CONF_LOAD_H
#define GMD_CONF_LOAD_H

#include <libconfig.h>

#include "conf/complaint.h"
#include "conf/option.h"

struct load {
    config_t config;
    const char *file;
    const char *dir;               /* that it is in */
    const struct profile *profile; /* NULL: the file names one that does not exist */
    struct conf conf;
    struct complaints complaints;
};

/* Complains at a setting (NULL: at the file as a whole). */
__attribute__((format(printf, 4, 5))) void load_complain(struct load *l, const config_setting_t *at,
                                                         const char *key, const char *format, ...);

/* "ports[0].interface" in buf of LOAD_KEY_MAX; returns buf. */
#define LOAD_KEY_MAX 160
const char *load_port_key(char *buf, int port, const char *name);

/* Checks what no single value shows: values against each other (check.c). */
void load_check(struct load *l);

/* The option of conf_options or conf_port_options whose name is nearest to key, as people would write it, in
 * buf; empty if none is near. section: "ptp", "ports"; NULL: key stands at the top (nearest.c). */
const char *load_nearest(const char *section, const char *key, char *buf, size_t size);

/* True if the name of an option of conf_options begins with it. */
bool load_is_section(const char *name);

#endif
