/* g g -> t t~ at leading order behind UMAMI, for the tests: the header of 2026, or with -DHEADER_2025
 * that of December 2025, and with further macros what a library can do wrong.
 * |M|² = g⁴ (1/(6 τ₁τ₂) - 3/8)(τ₁² + τ₂² + ρ - ρ²/(4 τ₁τ₂)), τ = 2 p·t/s, ρ = 4m²/s. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LEGS 4
#ifndef PARTICLES
#define PARTICLES LEGS
#endif

enum { SUCCESS, ERROR, NOT_IMPLEMENTED, UNSUPPORTED_INPUT, UNSUPPORTED_OUTPUT };
#ifdef HEADER_2025
enum { UNSUPPORTED_META = 5, MISSING_INPUT };
#else
enum { UNINITIALIZED_META = 5, UNSUPPORTED_META, MISSING_INPUT };
#endif

static int handles = 0, ready = 0; /* alive; whether any was made */
int provider_handles(void) { return handles; }
void const *provider_momenta = NULL; /* where those of the last call lay */
void const *provider_last_momenta(void) { return provider_momenta; }

int umami_get_meta(int key, void *result) {
#ifdef LATE_META
    if (!ready) return UNINITIALIZED_META;
#endif
    switch (key) {
#ifdef ON_DEVICE
    case 0: *(int *)result = ON_DEVICE; return SUCCESS;
#else
    case 0: *(int *)result = 0; return SUCCESS;
#endif
    case 1: *(int *)result = PARTICLES; return SUCCESS;
    case 2: *(int *)result = 3; return SUCCESS;
    case 3: *(int *)result = 16; return SUCCESS;
#ifndef NO_COLOR_COUNT
    case 4: *(int *)result = 2; return SUCCESS;
#endif
#ifndef HEADER_2025
    case 5: {
        double const masses[LEGS] = {0, 0, 173, 173};
        memcpy(result, masses, sizeof masses);
        return SUCCESS;
    }
#endif
    default: return UNSUPPORTED_META;
    }
}

#ifndef HEADER_2025
int umami_supported_inputs(bool const **flags, int *count) {
#ifdef NO_ALPHA_S
    static const bool supported[9] = {true, false, false, true};
#else
    static const bool supported[9] = {true, true, false, true, true};
#endif
    *flags = supported, *count = 9;
    return SUCCESS;
}
int umami_required_inputs(bool const **flags, int *count) {
#ifdef WANTS_HELICITY
    static const bool required[9] = {true, true, false, false, true};
#else
    static const bool required[9] = {true};
#endif
    *flags = required, *count = 9;
    return SUCCESS;
}
int umami_supported_outputs(bool const **flags, int *count) {
    static const bool supported[6] = {true, true, true};
    *flags = supported, *count = 6;
    return SUCCESS;
}
#endif

#ifndef NO_INITIALIZE
int umami_initialize(void **handle, char const *card) {
    if (!strcmp(card, "missing.dat")) return ERROR;
    *handle = malloc(sizeof(double));
    if (!*handle) return ERROR;
    *(double *)*handle = 173;
    handles++, ready = 1;
    return SUCCESS;
}
#endif
int umami_free(void *handle) {
    free(handle);
    handles--;
    return SUCCESS;
}
int umami_set_parameter(void *handle, char const *name, double re, double im) {
    if (strcmp(name, "mass_t") || im != 0) return NOT_IMPLEMENTED;
    *(double *)handle = re;
    return SUCCESS;
}

static double dot(double const *p, size_t e, size_t stride, int a, int b) {
    double sum = 0;
    for (int c = 0; c < 4; c++) {
        double product = p[e + stride * (a + LEGS * c)] * p[e + stride * (b + LEGS * c)];
        sum += c ? -product : product;
    }
    return sum;
}

int umami_matrix_element(void *handle, size_t count, size_t stride, size_t offset, size_t n_in,
                         int const *in_keys, void const *const *in, size_t n_out,
                         int const *out_keys, void *const *out) {
    double mass = *(double *)handle;
    double const *p = NULL, *alpha_s = NULL, *colour = NULL;
    for (size_t i = 0; i < n_in; i++) {
        if (in_keys[i] == 0) p = in[i];
#ifndef NO_ALPHA_S
        else if (in_keys[i] == 1) alpha_s = in[i];
#endif
        else if (in_keys[i] == 3) colour = in[i];
        else return UNSUPPORTED_INPUT;
    }
    if (!p) return MISSING_INPUT;
#ifdef NEEDS_ALPHA_S
    if (!alpha_s) return MISSING_INPUT;
#endif
#ifdef FAILS
    if (count > 1) return ERROR;
#endif
    provider_momenta = p;
    for (size_t e = offset; e < offset + count; e++) {
        double s = 2 * dot(p, e, stride, 0, 1);
        /* τ of the top and either gluon, out of the softer one's products: cancels less */
        int soft = p[e] > p[e + stride];
        double one = 2 * dot(p, e, stride, soft, soft ? 3 : 2) / s;
        double two = 2 * dot(p, e, stride, soft, soft ? 2 : 3) / s;
        double rho = 4 * mass * mass / s, g2 = 4 * acos(-1.0) * (alpha_s ? alpha_s[e] : 0.118);
        double value = g2 * g2 * (1 / (6 * one * two) - 0.375) *
                       (one * one + two * two + rho - rho * rho / (4 * one * two));
#ifdef NAN_OUTPUT
        value = NAN;
#endif
#ifdef NOT_INVARIANT
        value *= p[e + 2 * stride];
#endif
#ifdef NEGATIVE
        value = -value;
#endif
        for (size_t i = 0; i < n_out; i++) switch (out_keys[i]) {
            case 0: ((double *)out[i])[e] = value; break;
            case 1:
                ((double *)out[i])[e] = 4;
                ((double *)out[i])[e + stride] = 1 / (one * one);
                ((double *)out[i])[e + 2 * stride] = 1 / (two * two);
                break;
            case 2:
                if (!colour) return MISSING_INPUT;
#ifdef FORGETS_COLOUR
                break;
#endif
                ((int *)out[i])[e] = colour[e] * (one * one + two * two) >= two * two;
                break;
            default: return UNSUPPORTED_OUTPUT;
        }
    }
    return SUCCESS;
}
