/* Stands for pyAmpliCol's runtime with amplitudes anybody can write down:
 * |M|² = (1 + process) (1 + (p0·p2)²/(p0·p1)²) at α_s = 0.118, and of two flows the second has
 * (p0·p2)/(p0·p1) of the sum, shared by two helicities. */
#include "rusticol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct RusticolRuntimeHandle {
    int process;
    size_t flows;
    double alpha_s, width;
};

static double dot(const double *a, const double *b) {
    return a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
}

static double ratio(const double *p) { return dot(p, p + 8) / dot(p, p + 4); }

int rusticol_last_error_message(char *text, size_t room, size_t *needed) {
    *needed = (size_t)snprintf(text, room, "the stub says no");
    return 0;
}

int rusticol_runtime_load(const char *folder, const char *key, const char *card,
                          RusticolRuntimeHandle **result) {
    char path[4096];
    (void)card;
    snprintf(path, sizeof path, "%s/processes/%s/physics.json", folder, key);
    FILE *file = fopen(path, "r");
    if (!file) return RUSTICOL_STATUS_RUNTIME_ERROR;
    char text[4096] = "";
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    *result = calloc(1, sizeof **result);
    (*result)->process = atoi(key + 1);
    (*result)->alpha_s = 0.118;
    (*result)->width = 1.4915;
    for (char *at = text; (at = strstr(at, "word")); ++at) ++(*result)->flows;
    return 0;
}

int rusticol_runtime_free(RusticolRuntimeHandle *own) {
    free(own);
    return 0;
}

int rusticol_runtime_external_count(const RusticolRuntimeHandle *own, size_t *result) {
    (void)own;
    *result = 4;
    return 0;
}

int rusticol_runtime_color_count(const RusticolRuntimeHandle *own, size_t *result) {
    *result = own->flows;
    return 0;
}

int rusticol_runtime_set_model_parameter(RusticolRuntimeHandle *own, const char *name, double real,
                                         double imaginary) {
    (void)imaginary;
    if (strcmp(name, "particle.6.width") == 0) own->width = real;
    else if (strcmp(name, "particle.6.mass")) return RUSTICOL_STATUS_RUNTIME_ERROR;
    return 0;
}

int rusticol_runtime_get_model_parameter(const RusticolRuntimeHandle *own, const char *name,
                                         double *real, double *imaginary) {
    *real = strcmp(name, "particle.6.width") ? own->alpha_s : own->width;
    *imaginary = 0.0;
    return 0;
}

int rusticol_runtime_evaluate_f64(RusticolRuntimeHandle *own, const double *momenta, size_t doubles,
                                  size_t n, double *result, size_t room) {
    if (doubles != 16 * n || room < n) return RUSTICOL_STATUS_RUNTIME_ERROR;
    for (size_t i = 0; i < n; ++i) {
        double x = ratio(momenta + 16 * i);
        result[i] = (1 + own->process) * (1 + x * x);
    }
    return 0;
}

int rusticol_runtime_resolved_shape(const RusticolRuntimeHandle *own, const char *const *a,
                                    size_t na, const char *const *b, size_t nb, size_t *helicities,
                                    size_t *flows) {
    (void)a, (void)na, (void)b, (void)nb;
    *helicities = 2;
    *flows = own->flows;
    return 0;
}

int rusticol_runtime_evaluate_resolved_f64(RusticolRuntimeHandle *own, const double *momenta,
                                           size_t doubles, size_t n, const char *const *a,
                                           size_t na, const char *const *b, size_t nb,
                                           double *result, size_t room, size_t *helicities,
                                           size_t *flows) {
    (void)rusticol_runtime_resolved_shape(own, a, na, b, nb, helicities, flows);
    if (doubles != 16 * n || room < 4 * n || own->flows != 2) return RUSTICOL_STATUS_RUNTIME_ERROR;
    for (size_t i = 0; i < n; ++i) {
        double x = ratio(momenta + 16 * i);
        double each[] = {0.25 * (1 - x), 0.75 * x, 0.75 * (1 - x), 0.25 * x};
        memcpy(result + 4 * i, each, sizeof each);
    }
    return 0;
}
