/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket: a UNIX stream socket, one JSON object a line each way. A request is
 * {"command": "status"}; "watch" goes on answering every "interval" seconds. One request is
 * answered in a round of the loop. Greedy senders are cut off; when all places are taken, the connection that
 * is idle for longest and does not watch gives way. */
#ifndef GMD_CONTROL_H
#define GMD_CONTROL_H

struct daemon;
struct control;

/* NULL with error ("/run/gmd/control: Permission denied"). A stale socket of a dead daemon is replaced; that
 * of a live one is an error. */
struct control *control_open(struct daemon *d, const char *path, char *error, int error_size);
void control_close(struct control *c);

#endif
