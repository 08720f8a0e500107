/* A trained surrogate of |M|² behind UMAMI (header of 2026), in plain C: no other library is needed.
 *
 * surrogate.h, written for each surrogate, holds its numbers; the formulas are those of the modules
 * beside this file, all in double: pair_invariants, relabelling, ansatz, network, learned. Events go
 * through in blocks, one event a lane, so that what is computed for an event does
 * not depend on those beside it.
 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS, ERROR, NOT_IMPLEMENTED, UNSUPPORTED_INPUT, UNSUPPORTED_OUTPUT, UNINITIALIZED_META,
       UNSUPPORTED_META, MISSING_INPUT };
enum { DEVICE, PARTICLE_COUNT };
enum { MOMENTA, ALPHA_S, FLAVOR_INDEX, INPUTS_OF_UMAMI = 9 };
enum { MATRIX_ELEMENT, OUTPUTS_OF_UMAMI = 6 };

typedef struct {
    short pair; /* column of the invariants */
    short power;
} Entry; /* of a monomial */
typedef struct {
    int first, last; /* entries */
} Monomial;
typedef struct {
    double coefficient;
    int first, last; /* monomials */
} Factor;            /* of the ansatz */
typedef struct {
    int labellings;
    int labelling; /* where the first is */
    int first, last; /* factors of the ansatz */
    int strong_order;
    double offset, sign;
} Subprocess;

#include "surrogate.h"
/* defines LEGS, INCOMING, PAIRS, SUBPROCESSES, FEATURES, LAYERS, WIDEST, DIMENSION, SMALLEST, SPREAD,
 * and fills form[PAIRS], labellings[][PAIRS], entries[], monomials[], factors[],
 * subprocesses[SUBPROCESSES], centre[FEATURES], width[FEATURES], sizes[LAYERS + 1],
 * matrices[] (by outputs, then inputs) and offsets[] */

#define PUBLIC __attribute__((visibility("default")))
#define BLOCK (WIDEST > 512 ? 8 : 32) /* wide networks must not fill the stack of a thread */

typedef struct {
    double x[BLOCK];
} Lanes; /* one number of each event of a block */

#define INLINE static inline __attribute__((always_inline))
#define EACH_LANE for (int lane = 0; lane < BLOCK; lane++)
/* what this processor can do is seen when the library is loaded */
#if defined(__x86_64__) && defined(__GLIBC__) && __GNUC__ >= 12
#define CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CLONES
#endif

/* exp to some 1e-16 without a branch, NaN kept; beyond ±700 as there */
INLINE double exponential(double x) {
    static const double taylor[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                                    1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24,
                                    1.0 / 6, 1.0 / 2, 1, 1};
    const double rounder = 0x1.8p52; /* its last bit is worth 1 */
    x = x > 700 ? 700 : x;
    x = x < -700 ? -700 : x;
    double shifted = x * 0x1.71547652b82fep0 + rounder, n = shifted - rounder;
    double r = x - n * 0x1.62e42fefap-1 - n * 0x1.cf79abc9e3b3ap-40;
    double sum = 1.0 / 6227020800, scale;
    for (int i = 0; i < 13; i++) sum = sum * r + taylor[i];
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52; /* 2^n */
    memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

/* x W + b, and of hidden layers x/(1 + exp(-x)) */
INLINE void layer(const double *matrix, const double *offset, int n_in, int n_out, bool hidden,
                  const Lanes *restrict in, Lanes *restrict out) {
    for (int j = 0; j < n_out; j++) {
        const double *row = matrix + (size_t)j * n_in;
        double sum[BLOCK];
        int i = 0;
        EACH_LANE sum[lane] = offset[j];
        for (; i + 3 < n_in; i += 4) /* four at once: fewer loads and stores of the sum */
            EACH_LANE sum[lane] += row[i] * in[i].x[lane] + row[i + 1] * in[i + 1].x[lane] +
                                   row[i + 2] * in[i + 2].x[lane] + row[i + 3] * in[i + 3].x[lane];
        for (; i < n_in; i++) EACH_LANE sum[lane] += row[i] * in[i].x[lane];
        EACH_LANE out[j].x[lane] = hidden ? sum[lane] / (1 + exponential(-sum[lane])) : sum[lane];
    }
}

/* log(2p_i·p_j/ŝ), what it is the logarithm of, and log ŝ */
INLINE void invariants(const double *p, size_t stride, const size_t *event, Lanes *ratio,
                       Lanes *logarithm, Lanes *log_s) {
    EACH_LANE {
        double q[LEGS][4], total[4] = {0};
        for (int leg = 0; leg < LEGS; leg++)
            for (int c = 0; c < 4; c++) {
                q[leg][c] = p[event[lane] + stride * (leg + (size_t)LEGS * c)];
                if (leg < INCOMING) total[c] += q[leg][c];
            }
        double s = total[0] * total[0] - total[1] * total[1] - total[2] * total[2] -
                   total[3] * total[3];
        log_s->x[lane] = log(s);
        int pair = 0;
        for (int i = 0; i < LEGS; i++)
            for (int j = i + 1; j < LEGS; j++, pair++) {
                double product = q[i][0] * q[j][0] - q[i][1] * q[j][1] - q[i][2] * q[j][2] -
                                 q[i][3] * q[j][3];
                double x = 2 * product / s;
                if (x < SMALLEST) x = SMALLEST;
                ratio[pair].x[lane] = x;
                logarithm[pair].x[lane] = log(x);
            }
    }
}

/* the number of the labelling with the largest value of the form */
INLINE void choose_labelling(const Subprocess *sub, const Lanes *ratio, int64_t *chosen) {
    double best[BLOCK], value[BLOCK];
    EACH_LANE best[lane] = -HUGE_VAL, chosen[lane] = 0;
    for (int g = 0; g < sub->labellings; g++) {
        const short *columns = labellings[sub->labelling + g];
        EACH_LANE value[lane] = 0;
        for (int c = 0; c < PAIRS; c++) EACH_LANE value[lane] += form[c] * ratio[columns[c]].x[lane];
        EACH_LANE {
            bool better = value[lane] > best[lane];
            best[lane] = better ? value[lane] : best[lane];
            chosen[lane] = better ? g : chosen[lane];
        }
    }
}

INLINE void monomial(const Monomial *term, const Lanes *logarithm, double *result) {
    EACH_LANE result[lane] = 0;
    for (int k = term->first; k < term->last; k++)
        EACH_LANE result[lane] += entries[k].power * logarithm[entries[k].pair].x[lane];
}

/* Σ_f c_f log Σ_t exp(A_ft · log s) */
INLINE void log_ansatz(const Subprocess *sub, const Lanes *logarithm, Lanes *result) {
    double x[BLOCK], largest[BLOCK], sum[BLOCK];
    EACH_LANE result->x[lane] = 0;
    for (const Factor *factor = factors + sub->first; factor < factors + sub->last; factor++) {
        monomial(&monomials[factor->first], logarithm, largest);
        for (int t = factor->first + 1; t < factor->last; t++) {
            monomial(&monomials[t], logarithm, x);
            EACH_LANE largest[lane] = x[lane] > largest[lane] ? x[lane] : largest[lane];
        }
        EACH_LANE sum[lane] = 0;
        for (int t = factor->first; t < factor->last; t++) {
            monomial(&monomials[t], logarithm, x);
            EACH_LANE sum[lane] += exponential(x[lane] - largest[lane]);
        }
        EACH_LANE result->x[lane] += factor->coefficient * (largest[lane] + log(sum[lane]));
    }
}

/* |M|² of a block; event: where its events are, the last one again where there are fewer */
CLONES static void evaluate(const double *p, size_t stride, const size_t *event, const int *flavour,
                            const double *alpha_s, double *result) {
    Lanes ratio[PAIRS], logarithm[PAIRS], log_s, ansatz, own_ansatz, one[WIDEST], two[WIDEST];
    int own[BLOCK];
    int64_t chosen[BLOCK];
    invariants(p, stride, event, ratio, logarithm, &log_s);
    EACH_LANE own[lane] = flavour ? flavour[event[lane]] : 0;
    for (int q = 0; q < SUBPROCESSES; q++) {
        bool any = false;
        EACH_LANE any = any || own[lane] == q;
        if (!any) continue;
        choose_labelling(&subprocesses[q], ratio, chosen);
        log_ansatz(&subprocesses[q], logarithm, &own_ansatz);
        EACH_LANE {
            if (own[lane] != q) continue;
            const short *columns = labellings[subprocesses[q].labelling + chosen[lane]];
            for (int c = 0; c < PAIRS; c++) one[c].x[lane] = logarithm[columns[c]].x[lane];
            ansatz.x[lane] = own_ansatz.x[lane];
        }
    }
    EACH_LANE {
        one[PAIRS].x[lane] = log_s.x[lane];
        for (int c = PAIRS + 1; c < FEATURES; c++) one[c].x[lane] = own[lane] == c - PAIRS - 1;
    }
    for (int c = 0; c < FEATURES; c++)
        EACH_LANE one[c].x[lane] = (one[c].x[lane] - centre[c]) / width[c];
    const double *matrix = matrices, *offset = offsets;
    Lanes *in = one, *out = two;
    for (int l = 0; l < LAYERS; l++) {
        layer(matrix, offset, sizes[l], sizes[l + 1], l + 1 < LAYERS, in, out);
        matrix += (size_t)sizes[l] * sizes[l + 1], offset += sizes[l + 1];
        Lanes *other = in;
        in = out, out = other;
    }
    EACH_LANE {
        const Subprocess *sub = &subprocesses[own[lane]];
        double x = ansatz.x[lane] + DIMENSION * log_s.x[lane] + sub->offset + SPREAD * in->x[lane];
        if (sub->strong_order) x += sub->strong_order * log(alpha_s[event[lane]]);
        result[lane] = sub->sign * exp(x);
    }
}

PUBLIC int umami_get_meta(int key, void *result) {
    if (key != DEVICE && key != PARTICLE_COUNT) return UNSUPPORTED_META;
    *(int *)result = key == DEVICE ? 0 : LEGS;
    return SUCCESS;
}

static int list(const bool *flags, int n, bool const **result, int *count) {
    *result = flags, *count = n;
    return SUCCESS;
}
PUBLIC int umami_supported_inputs(bool const **flags, int *count) {
    static const bool known[INPUTS_OF_UMAMI] = {
        [MOMENTA] = true, [ALPHA_S] = STRONG, [FLAVOR_INDEX] = SUBPROCESSES > 1};
    return list(known, INPUTS_OF_UMAMI, flags, count);
}
PUBLIC int umami_required_inputs(bool const **flags, int *count) {
    return umami_supported_inputs(flags, count);
}
PUBLIC int umami_supported_outputs(bool const **flags, int *count) {
    static const bool known[OUTPUTS_OF_UMAMI] = {[MATRIX_ELEMENT] = true};
    return list(known, OUTPUTS_OF_UMAMI, flags, count);
}

PUBLIC int umami_initialize(void **handle, char const *card) {
    static char nothing; /* to remember: every number is a constant */
    (void)card;
    *handle = &nothing;
    return SUCCESS;
}
PUBLIC int umami_free(void *handle) {
    (void)handle;
    return SUCCESS;
}
PUBLIC int umami_set_parameter(void *handle, char const *name, double re, double im) {
    (void)handle, (void)name, (void)re, (void)im;
    return NOT_IMPLEMENTED;
}
PUBLIC int umami_get_parameter(void *handle, char const *name, double *re, double *im) {
    (void)handle, (void)name, (void)re, (void)im;
    return NOT_IMPLEMENTED;
}

PUBLIC int umami_matrix_element(void *handle, size_t count, size_t stride, size_t offset,
                                size_t n_in, int const *in_keys, void const *const *in,
                                size_t n_out, int const *out_keys, void *const *out) {
    const double *p = NULL, *alpha_s = NULL;
    const int *flavour = NULL;
    (void)handle;
    for (size_t i = 0; i < n_in; i++) {
        if (in_keys[i] == MOMENTA) p = in[i];
        else if (in_keys[i] == ALPHA_S && STRONG) alpha_s = in[i];
        else if (in_keys[i] == FLAVOR_INDEX && SUBPROCESSES > 1) flavour = in[i];
        else return UNSUPPORTED_INPUT;
    }
    for (size_t i = 0; i < n_out; i++)
        if (out_keys[i] != MATRIX_ELEMENT) return UNSUPPORTED_OUTPUT;
    if (!p || (STRONG && !alpha_s) || (SUBPROCESSES > 1 && !flavour)) return MISSING_INPUT;
    for (size_t e = offset; flavour && e < offset + count; e++)
        if (flavour[e] < 0 || flavour[e] >= SUBPROCESSES) return ERROR;
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t event[BLOCK], n = count - start < BLOCK ? count - start : BLOCK;
        double value[BLOCK];
        for (size_t i = 0; i < BLOCK; i++) event[i] = offset + start + (i < n ? i : n - 1);
        evaluate(p, stride, event, flavour, alpha_s, value);
        for (size_t i = 0; i < n_out; i++)
            memcpy((double *)out[i] + offset + start, value, n * sizeof *value);
    }
    return SUCCESS;
}
