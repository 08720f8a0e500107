/* e+ e- -> photon, Z -> f f~ behind UMAMI (header of 2026), massless fermions:
 * |M|² = 4 N_c/4 Σ |A|², A_LL and A_RR with u, A_LR and A_RL with t.
 * Flavours: 0 µ- µ+ (or any charged lepton), 1 up-type quarks, 2 down-type quarks.
 * Legs: e+, e-, f~, f. Build: cc -O2 -shared -fPIC ee_ff.c -lm -o libee_ff.so */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LEGS 4

enum { SUCCESS, ERROR, NOT_IMPLEMENTED, UNSUPPORTED_INPUT, UNSUPPORTED_OUTPUT, UNINITIALIZED_META,
       UNSUPPORTED_META, MISSING_INPUT };

typedef struct {
    double alpha_inverse, sin2_theta_w, mass_z, width_z;
} Model;

int umami_get_meta(int key, void *result) {
    switch (key) {
    case 0: *(int *)result = 0; return SUCCESS;            /* device: CPU */
    case 1: *(int *)result = LEGS; return SUCCESS;         /* particles */
    case 2: *(int *)result = 2; return SUCCESS;            /* diagrams: photon, Z */
    case 3: *(int *)result = 16; return SUCCESS;           /* helicities */
    case 4: *(int *)result = 1; return SUCCESS;            /* colour flows */
    case 5: memset(result, 0, LEGS * sizeof(double)); return SUCCESS; /* masses */
    default: return UNSUPPORTED_META;
    }
}

/* momenta, and the flavour */
int umami_supported_inputs(bool const **flags, int *count) {
    static const bool supported[9] = {true, false, true};
    *flags = supported, *count = 9;
    return SUCCESS;
}
int umami_required_inputs(bool const **flags, int *count) {
    static const bool required[9] = {true};
    *flags = required, *count = 9;
    return SUCCESS;
}
/* |M|², and the squares of the two diagrams */
int umami_supported_outputs(bool const **flags, int *count) {
    static const bool supported[6] = {true, true};
    *flags = supported, *count = 6;
    return SUCCESS;
}

int umami_initialize(void **handle, char const *card) {
    (void)card;
    Model *model = malloc(sizeof *model);
    if (!model) return ERROR;
    *model = (Model){132.507, 0.222246486, 91.188, 2.441404};
    *handle = model;
    return SUCCESS;
}
int umami_free(void *handle) {
    free(handle);
    return SUCCESS;
}

static double *parameter(Model *model, char const *name) {
    if (!strcmp(name, "alpha_inverse")) return &model->alpha_inverse;
    if (!strcmp(name, "sin2_theta_w")) return &model->sin2_theta_w;
    if (!strcmp(name, "mass_z")) return &model->mass_z;
    if (!strcmp(name, "width_z")) return &model->width_z;
    return NULL;
}
int umami_set_parameter(void *handle, char const *name, double re, double im) {
    double *place = parameter(handle, name);
    if (!place || im != 0) return ERROR;
    *place = re;
    return SUCCESS;
}
int umami_get_parameter(void *handle, char const *name, double *re, double *im) {
    double *place = parameter(handle, name);
    if (!place) return ERROR;
    *re = *place, *im = 0;
    return SUCCESS;
}

int umami_matrix_element(void *handle, size_t count, size_t stride, size_t offset, size_t n_in,
                         int const *in_keys, void const *const *in, size_t n_out,
                         int const *out_keys, void *const *out) {
    static const double charge[3] = {-1, 2.0 / 3, -1.0 / 3}, isospin[3] = {-0.5, 0.5, -0.5};
    static const double colours[3] = {1, 3, 3};
    Model const *model = handle;
    double const *p = NULL;
    int const *flavour = NULL;
    for (size_t i = 0; i < n_in; i++) {
        if (in_keys[i] == 0) p = in[i];
        else if (in_keys[i] == 2) flavour = in[i];
        else return UNSUPPORTED_INPUT;
    }
    if (!p) return MISSING_INPUT;
    double e2 = 4 * acos(-1.0) / model->alpha_inverse, sw2 = model->sin2_theta_w;
    double g2 = e2 / (sw2 * (1 - sw2)), m2 = model->mass_z * model->mass_z;
    for (size_t e = offset; e < offset + count; e++) {
        int f = flavour ? flavour[e] : 0;
        if (f < 0 || f > 2) return ERROR;
        double total[4], transfer[4];
        for (int c = 0; c < 4; c++) {
            double const *row = p + stride * LEGS * c + e;
            total[c] = row[0] + row[stride];
            transfer[c] = row[stride] - row[3 * stride]; /* e- to f */
        }
        double s = total[0] * total[0] - total[1] * total[1] - total[2] * total[2] - total[3] * total[3];
        double t = transfer[0] * transfer[0] - transfer[1] * transfer[1] - transfer[2] * transfer[2] -
                   transfer[3] * transfer[3];
        double u = -s - t;
        double real = s - m2, imaginary = model->mass_z * model->width_z;
        double pole = real * real + imaginary * imaginary;
        double photon = -e2 * charge[f] / s; /* Q_e = -1 */
        double sum = 0, amp2[2] = {0, 0};
        for (int a = 0; a < 2; a++) {
            for (int b = 0; b < 2; b++) {
                double ge = (a ? 0 : -0.5) + sw2, gf = (b ? 0 : isospin[f]) - charge[f] * sw2;
                double z = g2 * ge * gf / pole, k = (a == b ? u * u : t * t) * colours[f];
                double re = photon + z * real, im = -z * imaginary;
                sum += k * (re * re + im * im);
                amp2[0] += k * photon * photon;
                amp2[1] += k * z * z * pole;
            }
        }
        for (size_t i = 0; i < n_out; i++) {
            if (out_keys[i] == 0) ((double *)out[i])[e] = sum;
            else if (out_keys[i] == 1) {
                ((double *)out[i])[e] = amp2[0];
                ((double *)out[i])[e + stride] = amp2[1];
            } else return UNSUPPORTED_OUTPUT;
        }
    }
    return SUCCESS;
}
