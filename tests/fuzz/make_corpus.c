/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a fuzz target's seeds into a directory. For "wire": every message type, and variants that reach each
 * decision. For "leap": a leap-second table. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/samples.h"

static const char *directory;

static void save(const char *name, const char *variant, const uint8_t *bytes, size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", directory, name, variant);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void set_length(uint8_t *message, size_t len)
{
    message[2] = (uint8_t)(len >> 8);
    message[3] = (uint8_t)len;
}

/* The sample with a longer chain: an organization extension and a TLV without a value, padding behind. */
static void save_with_tlvs(const char *name, const uint8_t *sample, size_t len)
{
    static const uint8_t organization[] = {0x68, 0x97, 0xE8, 0, 0, 1, 0xDE, 0xAD};
    uint8_t b[SAMPLE_BYTES_MAX] = {0};
    memcpy(b, sample, len);
    tlv_append(b, sizeof b, &len, TLV_ORGANIZATION_EXTENSION, organization, sizeof organization);
    tlv_append(b, sizeof b, &len, 0x8008, NULL, 0);
    set_length(b, len);
    save(name, "-tlvs", b, len);
    set_length(b, len + 3);
    save(name, "-short-rest", b, len + 3);
    b[len - 1] = 1;
    set_length(b, len);
    save(name, "-odd-tlv", b, len);
    b[len - 1] = 200;
    save(name, "-tlv-past-end", b, len);
}

static void save_variants(const char *name, const uint8_t *sample, size_t len)
{
    uint8_t b[SAMPLE_BYTES_MAX] = {0};
    memcpy(b, sample, len);
    save(name, "", b, len);
    save(name, "-cut", b, len - 1);
    save(name, "-padded", b, len + 6);

    b[1] = 0x02;
    save(name, "-2008", b, len);
    b[1] = 0xF2;
    save(name, "-minor-15", b, len);
    memset(b + PTP_HEADER_LEN, 0xFF, len - PTP_HEADER_LEN);
    save(name, "-all-ones", b, len);
}

static int wire_corpus(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint8_t sample[SAMPLE_BYTES_MAX];
        int len = sample_encode(i, sample);
        if (len < 0) {
            fprintf(stderr, "sample %u: %s\n", i, wire_error_text(len));
            return 1;
        }
        const char *name = message_type_name(sample[0] & 0xF);
        save_variants(name, sample, (size_t)len);
        save_with_tlvs(name, sample, (size_t)len);
    }
    return 0;
}

static int leap_corpus(void)
{
    static const char table[] = "#\tleap seconds\n#$\t3676924800\n#@\t3991507200\n"
                                "2272060800\t10\t# 1 Jan 1972\n3692217600\t37\t# 1 Jan 2017\n"
                                "#h\tdacf2c42 2c4765d6 3c797af8 2cf630eb 699c8c67\n";
    save("table", "", (const uint8_t *)table, sizeof table - 1);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *target;
        int (*write)(void);
    } corpora[] = {{"wire", wire_corpus}, {"leap", leap_corpus}};
    for (size_t i = 0; argc == 3 && i < sizeof corpora / sizeof corpora[0]; i++) {
        if (strcmp(argv[1], corpora[i].target) != 0)
            continue;
        directory = argv[2];
        return corpora[i].write();
    }
    fprintf(stderr, "usage: make_corpus wire|leap DIRECTORY\n");
    return 2;
}
