/* Walks the contract of a verifier's library as a host does, for a build with sanitizers: `contract LIBRARY CONFIG`. Every
 * text is a block of its own, so that a read behind its NUL is noticed, and every buffer as long as is said. */
#include "../../include/pstar_verifier.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 64
#define THREADS 4

static const pstar_verifier *table;
static void *shared;
static pstar_text texts[PAIRS];
static uint8_t expected[PAIRS];

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "contract: %s\n", what);
    exit(1);
}

static pstar_text text_of(const char *bytes, size_t length) {
    char *data = malloc(length + 1);
    check(data != NULL, "out of memory");
    memcpy(data, bytes, length);
    data[length] = 0;
    return (pstar_text){data, length};
}

static void *judge_all(void *out) {
    char err[8];
    for (int round = 0; round < 50; round++) {
        memset(out, 255, PAIRS);
        check(table->verify(shared, texts, texts, PAIRS, out, err, sizeof err) == 0, "verify failed");
        check(memcmp(out, expected, PAIRS) == 0, "equal pairs got other verdicts");
    }
    return NULL;
}

int main(int argc, char **argv) {
    check(argc == 3, "usage: contract LIBRARY CONFIG");
    void *library = dlopen(argv[1], RTLD_NOW);
    check(library != NULL, "the library cannot be loaded");
    const pstar_verifier *(*get)(void);
    *(void **)&get = dlsym(library, "pstar_verifier_table");
    check(get != NULL, "it exports no table");
    table = get();
    check(table != NULL && table == get(), "not one and the same table");
    check(table->abi == PSTAR_VERIFIER_ABI && table->size >= sizeof *table, "another version");

    /* Refusals in every length of room: nothing is written behind, and nothing is left. */
    const char *faulty[] = {"", "(", "nonsense \xff", "(longest: 99999999999999999999999)"};
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        for (size_t cap = 0; cap < 80; cap += 13) {
            pstar_text config = text_of(faulty[i], strlen(faulty[i]));
            char *err = malloc(cap + 1);
            void *state = NULL;
            if (table->create(config, &state, err, cap) == 0) table->destroy(state);
            free(err);
            free((void *)config.data);
        }
    }

    /* Empty, long, with NUL bytes, no ASCII, and cut UTF-8. */
    for (size_t i = 0; i < PAIRS; i++) {
        char bytes[4 * PAIRS];
        memset(bytes, "ab\0\xc3"[i % 4], sizeof bytes);
        texts[i] = text_of(bytes, i % 8 == 0 ? 0 : 4 * i);
    }
    pstar_text config = text_of(argv[2], strlen(argv[2]));
    char err[64] = {0};
    check(table->create(config, &shared, err, sizeof err) == 0, err);
    free((void *)config.data);
    memset(expected, 255, sizeof expected);
    check(table->verify(shared, texts, texts, PAIRS, expected, err, sizeof err) == 0, "verify failed");
    for (size_t i = 0; i < PAIRS; i++) {
        uint8_t *alone = malloc(1);
        check(expected[i] <= PSTAR_NO_VERDICT, "a verdict other than 0, 1 and 2");
        check(table->verify(shared, &texts[i], &texts[i], 1, alone, err, sizeof err) == 0, "verify failed");
        check(*alone == expected[i], "another verdict alone");
        free(alone);
    }
    pthread_t threads[THREADS];
    static uint8_t out[THREADS][PAIRS];
    for (int i = 0; i < THREADS; i++) check(pthread_create(&threads[i], NULL, judge_all, out[i]) == 0, "no thread");
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    table->destroy(shared);
    for (size_t i = 0; i < PAIRS; i++) free((void *)texts[i].data);
    puts("contract: kept");
    return 0;
}
