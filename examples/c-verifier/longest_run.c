/* The verifier `longest-run`: valid is a response that is not empty and repeats no character more than so many times in a
 * row. Configuration: `(longest: 3)`. It has no verdict on what is not ASCII, of which it cannot tell characters apart. */
#include "pstar_verifier.h"

#include <stdio.h>
#include <stdlib.h>

/* What `create` makes. `verify` only reads it, so that it needs no lock. */
typedef struct {
    size_t longest;
} settings;

static int32_t create(pstar_text config, void **state, char *err, size_t cap) {
    long longest = 0;
    int end = -1;
    /* A NUL follows the text, so that sscanf does not run past it. */
    if (sscanf(config.data, " ( longest : %ld ) %n", &longest, &end) != 1 || end < 0 || (size_t)end != config.length ||
        longest < 1) {
        snprintf(err, cap, "expected `(longest: N)` with N at least 1, found `%.100s`", config.data);
        return 1;
    }
    settings *made = malloc(sizeof *made);
    if (made == NULL) {
        snprintf(err, cap, "out of memory");
        return 1;
    }
    made->longest = (size_t)longest;
    *state = made;
    return 0;
}

static uint8_t judge(const settings *settings, pstar_text response) {
    size_t run = 0;
    for (size_t i = 0; i < response.length; i++) {
        if ((unsigned char)response.data[i] > 127) return PSTAR_NO_VERDICT;
        run = i > 0 && response.data[i] == response.data[i - 1] ? run + 1 : 1;
        if (run > settings->longest) return PSTAR_INVALID;
    }
    return response.length > 0 ? PSTAR_VALID : PSTAR_INVALID;
}

static int32_t verify(void *state, const pstar_text *prompts, const pstar_text *responses, size_t n, uint8_t *out,
                      char *err, size_t cap) {
    (void)prompts;
    for (size_t i = 0; i < n; i++) {
        out[i] = judge(state, responses[i]);
        if (out[i] == PSTAR_NO_VERDICT) snprintf(err, cap, "the response is not ASCII");
    }
    return 0;
}

static void destroy(void *state) { free(state); }

const pstar_verifier *pstar_verifier_table(void) {
    static const pstar_verifier table = {
        .abi = PSTAR_VERIFIER_ABI,
        .size = sizeof(pstar_verifier),
        .name = PSTAR_TEXT("longest-run"),
        .version = PSTAR_TEXT("0.1.0"),
        .doc = PSTAR_TEXT("valid is what is not empty and repeats no character more than `longest` times in a row"),
        .create = create,
        .verify = verify,
        .destroy = destroy,
    };
    return &table;
}
