/* Verifiers that break the rules, each by a name in FAULT; without one the verifier is sound. */
#include "../../include/pstar_verifier.h"

#include <stdlib.h>
#include <string.h>

#define NONE 0
#define NO_TABLE 1
#define NO_VERIFY 2
#define NO_CREATE 3
#define NO_DESTROY 4
#define OTHER_ABI 5
#define SMALL_TABLE 6
#define LARGE_TABLE 7
#define EMPTY_NAME 8
#define NAME_NO_UTF8 9
#define NULL_NAME 10
#define SEVEN 11
#define UNWRITTEN 12
#define TOO_MANY 13
#define LONG_REFUSAL 14
#define OVERRUN 15
#define ERROR 16
#define UNALIGNED 17

#ifndef FAULT
#define FAULT NONE
#endif

/* How many states there are, for the tests. */
static int live = 0;
PSTAR_EXPORT int live_states(void);
int live_states(void) { return live; }

static int32_t create(pstar_text config, void **state, char *err, size_t cap) {
    if (FAULT == LONG_REFUSAL) {
        /* All the room there is, without a NUL behind. */
        memset(err, 'x', cap);
        return 9;
    }
    if (FAULT == OVERRUN) memset(err, 'x', cap + 8);
    if (memcmp(config.data, "refuse", config.length < 6 ? config.length : 6) == 0 && config.length >= 6) return 3;
    *state = malloc(1);
    __atomic_add_fetch(&live, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Valid is a response with a NUL byte in it, or of even length; on `?` there is no verdict. */
static int32_t verify(void *state, const pstar_text *prompts, const pstar_text *responses, size_t n, uint8_t *out,
                      char *err, size_t cap) {
    (void)state;
    (void)prompts;
    if (FAULT == ERROR) {
        strncpy(err, "the judge is asleep", cap);
        return -5;
    }
    if (n == 0) abort();
    for (size_t i = 0; i < n; i++) {
        pstar_text text = responses[i];
        out[i] = text.length % 2 == 0 || memchr(text.data, 0, text.length) != NULL;
        if (text.length == 1 && text.data[0] == '?') out[i] = PSTAR_NO_VERDICT;
        if (text.data[text.length] != 0) abort();
    }
    if (FAULT == SEVEN) out[n - 1] = 7;
    if (FAULT == UNWRITTEN) out[0] = 255;
    if (FAULT == TOO_MANY) out[n] = 1;
    return 0;
}

static void destroy(void *state) {
    free(state);
    __atomic_sub_fetch(&live, 1, __ATOMIC_SEQ_CST);
}

const pstar_verifier *pstar_verifier_table(void) {
    static pstar_verifier table = {
        .abi = PSTAR_VERIFIER_ABI,
        .size = sizeof(pstar_verifier),
        .name = PSTAR_TEXT("c-test"),
        .version = PSTAR_TEXT("1.2.3"),
        .doc = PSTAR_TEXT("valid is what has an even number of bytes"),
        .create = create,
        .verify = verify,
        .destroy = destroy,
    };
    if (FAULT == NO_TABLE) return NULL;
    if (FAULT == UNALIGNED) return (const pstar_verifier *)(const void *)((const char *)&table + 1);
    if (FAULT == NO_VERIFY) table.verify = NULL;
    if (FAULT == NO_CREATE) table.create = NULL;
    if (FAULT == NO_DESTROY) table.destroy = NULL;
    if (FAULT == OTHER_ABI) table.abi = 2;
    if (FAULT == SMALL_TABLE) table.size = 8;
    if (FAULT == LARGE_TABLE) table.size += 64;
    if (FAULT == EMPTY_NAME) table.name.length = 0;
    if (FAULT == NAME_NO_UTF8) table.name.data = "\xff\xfe\xff\xfe\xff\xfe";
    if (FAULT == NULL_NAME) table.name.data = NULL;
    return &table;
}
