/*
 * Verifiers in C, or in any language that makes a C shared library. Interface version 1.
 *
 * A library exports one function, pstar_verifier_table, and with it one verifier. It goes into a plugin folder like
 * any other plugin; the host tells it apart by that symbol.
 *
 * Texts are UTF-8 with a length. A text of the host may hold NUL bytes; behind its last byte stands one more NUL, which
 * the length does not count, so that functions for C strings do not run past it. Texts of the table need none.
 *
 * Ownership and lifetime. The table, and the texts in it, belong to the library and stay as they are until the process
 * ends: a library is never unloaded. All that the host hands to a call belongs to the host and is gone when the call
 * returns: copy what is to be kept. `state` belongs to the library: made by `create`, freed by `destroy`.
 *
 * Threads. Any function may be called on any thread. `create` may run several times at once, and `verify` several times
 * at once with one and the same `state`: what it writes there needs a lock. `destroy` runs when no call with that
 * `state` does, perhaps on another thread than `create` did.
 *
 * Verdicts depend on the prompt, the response and the configuration alone: no clock, no random number, no file. Equal pairs
 * get equal verdicts, in whatever order and company they are asked about.
 *
 * Nothing is printed on standard output or standard error. No C++ exception and no longjmp leaves a function. A function
 * that crashes ends the process.
 *
 * Versions. A host refuses a table of another `abi`. Within one `abi` the table may grow behind its last field: `size` is
 * what the library was compiled with, and a host reads no further. A table that is smaller than that of version 1 is refused.
 */
#ifndef PSTAR_VERIFIER_H
#define PSTAR_VERIFIER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PSTAR_VERIFIER_ABI 1u

/* Verdicts. No verdict is never the same as invalid: a time-out, a crash, an error. */
#define PSTAR_INVALID 0u
#define PSTAR_VALID 1u
#define PSTAR_NO_VERDICT 2u

/* Bytes of UTF-8. `data` may be NULL only where `length` is 0. */
typedef struct pstar_text {
    const char *data;
    size_t length;
} pstar_text;

/* A literal as a text of the table. */
#define PSTAR_TEXT(literal) {(literal), sizeof(literal) - 1}

typedef struct pstar_verifier {
    /* PSTAR_VERIFIER_ABI. */
    uint32_t abi;
    /* sizeof(pstar_verifier). */
    uint32_t size;
    /* The name that experiments use: lower case, words joined by `-`. */
    pstar_text name;
    /* The version of the library, such as "0.1.0". */
    pstar_text version;
    /* One sentence: what is valid. */
    pstar_text doc;

    /*
     * Makes a verifier from the RON text of its configuration as it stands in the experiment, such as `(longest: 3)`, or `()`
     * where there is none. 0 if it was made, with `*state` set, which may stay NULL; anything else if not, with the reason in
     * `err`: at most `cap` bytes, ended by a NUL where they are fewer. What failed is not destroyed.
     */
    int32_t (*create)(pstar_text config, void **state, char *err, size_t cap);

    /*
     * Writes to `out[i]` the verdict on `responses[i]` to `prompts[i]`, for each of `n` pairs, n at least 1. 0 if they are
     * written; anything else if none could be had of any, which is an error, with the reason in `err` as above. Where some are
     * PSTAR_NO_VERDICT `err` may tell why as well.
     */
    int32_t (*verify)(void *state, const pstar_text *prompts, const pstar_text *responses, size_t n, uint8_t *out,
                      char *err, size_t cap);

    /* Frees what `create` made: once for every `create` that answered 0, with its `state`, if that is NULL as well. */
    void (*destroy)(void *state);
} pstar_verifier;

#if defined(_WIN32)
#define PSTAR_EXPORT __declspec(dllexport)
#else
#define PSTAR_EXPORT __attribute__((visibility("default")))
#endif

/* The table of this library: the same at every call. */
PSTAR_EXPORT const pstar_verifier *pstar_verifier_table(void);

#ifdef __cplusplus
}
#endif

#endif
