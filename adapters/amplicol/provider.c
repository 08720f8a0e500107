/* UMAMI provider over Rusticol, the runtime of pyAmpliCol's amplitudes; header of 2026.
 *
 * pyAmpliCol writes a provider of its own. This one hands over many events at once, which is about
 * eight times as fast, takes alpha_s where the amplitudes have one fixed (their power of it is
 * exact), and draws colour flows in proportion to leading-colour amplitudes generated beside those
 * of full colour. process.h, written for each process, says which ones there are.
 */
#include <math.h>
#include <rusticol.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
/* defines LEGS, FLAVOURS, MOST_FLOWS, STRONG_ORDER, ALPHA_S_NAME, FOLDER, AMPLITUDES, FLOWS, and
 * fills process_masses[LEGS], process_keys[FLAVOURS], process_parameters[PARAMETERS]; of each process
 * process_colours, how many flows there are, process_flows, how many of them may be drawn (1: there is
 * nothing to draw), and process_numbers, which ones */

enum { SUCCESS, ERROR, NOT_IMPLEMENTED, UNSUPPORTED_INPUT, UNSUPPORTED_OUTPUT, UNINITIALIZED_META,
       UNSUPPORTED_META, MISSING_INPUT };
enum { DEVICE, PARTICLE_COUNT, DIAGRAM_COUNT, HELICITY_COUNT, COLOR_COUNT, MASSES };
enum { MOMENTA, ALPHA_S, FLAVOR_INDEX, RANDOM_COLOR, RANDOM_HELICITY, RANDOM_DIAGRAM,
       HELICITY_INDEX, DIAGRAM_INDEX, CHANNEL_INDEX, INPUTS };
enum { MATRIX_ELEMENT, DIAGRAM_AMP2, COLOR_INDEX, OUT_HELICITY_INDEX, OUT_DIAGRAM_INDEX,
       GPU_STREAM, OUTPUTS };

#define PUBLIC __attribute__((visibility("default")))
#define BLOCK 1024     /* events handed over at once */
#define FLOW_BLOCK 128 /* the same where every helicity and flow is told apart */
#define MOST_SET 64

static const bool inputs_known[INPUTS] = {
    [MOMENTA] = true, [ALPHA_S] = true, [FLAVOR_INDEX] = true, [RANDOM_COLOR] = MOST_FLOWS > 1};
static const bool inputs_needed[INPUTS] = {[MOMENTA] = true};
static const bool outputs_known[OUTPUTS] = {
    [MATRIX_ELEMENT] = true, [COLOR_INDEX] = MOST_FLOWS > 1};

typedef struct {
    char name[96];
    double value;
} Setting;

typedef struct {
    char *amplitudes, *flows; /* directories */
    RusticolRuntimeHandle *squared[FLAVOURS], *coloured[FLAVOURS];
    Setting set[MOST_SET];
    size_t n_set;
    double momenta[BLOCK * LEGS * 4], values[BLOCK];
    double *resolved;
    size_t room;
} Instance;

static int failed(const char *what) {
    char message[1024];
    size_t length = 0;
    if (rusticol_last_error_message(message, sizeof message, &length) != RUSTICOL_STATUS_OK)
        message[0] = 0;
    fprintf(stderr, "umami: %s: %s\n", what, message);
    return ERROR;
}

static char *joined(const char *folder, const char *name) {
    char *path = malloc(strlen(folder) + strlen(name) + 2);
    if (path) sprintf(path, "%s/%s", folder, name);
    return path;
}

/* The runtime of a flavour, loaded when it is first asked for. */
static RusticolRuntimeHandle *runtime(Instance *own, bool coloured, size_t flavour) {
    RusticolRuntimeHandle **place = coloured ? &own->coloured[flavour] : &own->squared[flavour];
    if (*place) return *place;
    const char *folder = coloured ? own->flows : own->amplitudes;
    if (rusticol_runtime_load(folder, process_keys[flavour], NULL, place) != RUSTICOL_STATUS_OK) {
        failed(folder);
        return *place = NULL;
    }
    size_t legs = 0, flows = 0;
    (void)rusticol_runtime_external_count(*place, &legs);
    (void)rusticol_runtime_color_count(*place, &flows);
    bool fits = legs == LEGS && (!coloured || flows == process_colours[flavour]);
    for (size_t i = 0; fits && i < own->n_set; ++i)
        fits = rusticol_runtime_set_model_parameter(*place, own->set[i].name, own->set[i].value,
                                                    0.0) == RUSTICOL_STATUS_OK;
    if (!fits) {
        fprintf(stderr, "umami: %s is not what this library was made for\n", folder);
        (void)rusticol_runtime_free(*place);
        *place = NULL;
    }
    return *place;
}

PUBLIC int umami_get_meta(int key, void *result) {
    if (!result) return ERROR;
    switch (key) {
    case DEVICE: *(int *)result = 0; return SUCCESS;
    case PARTICLE_COUNT: *(int *)result = LEGS; return SUCCESS;
    case COLOR_COUNT:
        if (MOST_FLOWS < 2) return UNSUPPORTED_META;
        *(int *)result = MOST_FLOWS;
        return SUCCESS;
    case MASSES: memcpy(result, process_masses, sizeof process_masses); return SUCCESS;
    default: return UNSUPPORTED_META;
    }
}

static int list(const bool *flags, int n, const bool **result, int *count) {
    if (!result || !count) return ERROR;
    *result = flags;
    *count = n;
    return SUCCESS;
}

PUBLIC int umami_supported_inputs(const bool **result, int *count) {
    return list(inputs_known, INPUTS, result, count);
}

PUBLIC int umami_required_inputs(const bool **result, int *count) {
    return list(inputs_needed, INPUTS, result, count);
}

PUBLIC int umami_supported_outputs(const bool **result, int *count) {
    return list(outputs_known, OUTPUTS, result, count);
}

PUBLIC int umami_set_parameter(void *handle, const char *name, double real, double imaginary) {
    Instance *own = handle;
    if (!own || !name || !isfinite(real) || imaginary != 0.0) return ERROR;
    RusticolRuntimeHandle *first = runtime(own, false, 0);
    if (!first) return ERROR;
    if (rusticol_runtime_set_model_parameter(first, name, real, 0.0) != RUSTICOL_STATUS_OK)
        return failed(name);
    for (size_t i = 0; i < FLAVOURS; ++i) {
        RusticolRuntimeHandle *both[] = {own->squared[i], own->coloured[i]};
        for (size_t j = 0; j < 2; ++j)
            if (both[j] && rusticol_runtime_set_model_parameter(both[j], name, real, 0.0) !=
                               RUSTICOL_STATUS_OK)
                return failed(name);
    }
    size_t i = 0;
    while (i < own->n_set && strcmp(own->set[i].name, name)) ++i;
    if (i == MOST_SET || strlen(name) >= sizeof own->set[i].name) return ERROR;
    strcpy(own->set[i].name, name);
    own->set[i].value = real;
    if (i == own->n_set) ++own->n_set;
    return SUCCESS;
}

PUBLIC int umami_get_parameter(void *handle, const char *name, double *real, double *imaginary) {
    Instance *own = handle;
    double unused = 0.0;
    if (!own || !name || !real) return ERROR;
    RusticolRuntimeHandle *first = runtime(own, false, 0);
    if (!first) return ERROR;
    int status = rusticol_runtime_get_model_parameter(first, name, real,
                                                      imaginary ? imaginary : &unused);
    return status == RUSTICOL_STATUS_OK ? SUCCESS : ERROR;
}

PUBLIC int umami_free(void *handle) {
    Instance *own = handle;
    if (!own) return SUCCESS;
    for (size_t i = 0; i < FLAVOURS; ++i) {
        if (own->squared[i]) (void)rusticol_runtime_free(own->squared[i]);
        if (own->coloured[i]) (void)rusticol_runtime_free(own->coloured[i]);
    }
    free(own->amplitudes);
    free(own->flows);
    free(own->resolved);
    free(own);
    return SUCCESS;
}

/* folder: where the amplitudes are, if they were moved since the library was made. */
PUBLIC int umami_initialize(void **handle, const char *folder) {
    if (!handle) return ERROR;
    Instance *own = calloc(1, sizeof *own);
    if (!own) return ERROR;
    if (!folder || !*folder) folder = FOLDER;
    own->amplitudes = joined(folder, AMPLITUDES);
    own->flows = joined(folder, FLOWS);
    int status = own->amplitudes && own->flows && runtime(own, false, 0) ? SUCCESS : ERROR;
    for (size_t i = 0; status == SUCCESS && i < PARAMETERS; ++i)
        status = umami_set_parameter(own, process_parameters[i].name, process_parameters[i].value,
                                     0.0);
    if (status == SUCCESS) *handle = own;
    else umami_free(own);
    return status;
}

static void gather(Instance *own, const double *from, size_t start, size_t n, size_t stride) {
    for (size_t leg = 0; leg < LEGS; ++leg)
        for (size_t k = 0; k < 4; ++k) {
            const double *row = from + stride * (leg + LEGS * k) + start;
            for (size_t i = 0; i < n; ++i) own->momenta[(i * LEGS + leg) * 4 + k] = row[i];
        }
}

static int evaluate(Instance *own, size_t flavour, size_t n, const double *alpha_s,
                    double *result) {
    RusticolRuntimeHandle *here = runtime(own, false, flavour);
    double fixed = 0.0, unused = 0.0;
    if (!here) return ERROR;
    if (rusticol_runtime_evaluate_f64(here, own->momenta, n * LEGS * 4, n, result, n) !=
            RUSTICOL_STATUS_OK ||
        rusticol_runtime_get_model_parameter(here, ALPHA_S_NAME, &fixed, &unused) !=
            RUSTICOL_STATUS_OK)
        return failed(process_keys[flavour]);
    for (size_t i = 0; alpha_s && i < n; ++i)
        for (int power = 0; power < STRONG_ORDER; ++power) result[i] *= alpha_s[i] / fixed;
    return SUCCESS;
}

/* Draws a flow for each of the gathered events in proportion to its |amplitude|². */
static int draw(Instance *own, size_t flavour, size_t n, const double *random, int *result) {
    size_t flows = process_flows[flavour], helicities = 0, colours = 0;
    if (flows < 2) {
        for (size_t i = 0; i < n; ++i) result[i] = 0;
        return SUCCESS;
    }
    RusticolRuntimeHandle *here = runtime(own, true, flavour);
    if (!here) return ERROR;
    if (rusticol_runtime_resolved_shape(here, NULL, 0, NULL, 0, &helicities, &colours) !=
        RUSTICOL_STATUS_OK)
        return failed(process_keys[flavour]);
    size_t each = helicities * colours;
    if (colours != process_colours[flavour]) return ERROR;
    if (own->room < each * FLOW_BLOCK) {
        double *more = realloc(own->resolved, each * FLOW_BLOCK * sizeof *more);
        if (!more) return ERROR;
        own->resolved = more;
        own->room = each * FLOW_BLOCK;
    }
    double weights[MOST_FLOWS];
    for (size_t start = 0; start < n; start += FLOW_BLOCK) {
        size_t m = n - start < FLOW_BLOCK ? n - start : FLOW_BLOCK;
        if (rusticol_runtime_evaluate_resolved_f64(
                here, own->momenta + start * LEGS * 4, m * LEGS * 4, m, NULL, 0, NULL, 0,
                own->resolved, m * each, &helicities, &colours) != RUSTICOL_STATUS_OK)
            return failed(process_keys[flavour]);
        for (size_t i = 0; i < m; ++i) {
            double sum = 0.0;
            for (size_t c = 0; c < flows; ++c) {
                const double *one = own->resolved + i * each + process_numbers[flavour][c];
                weights[c] = 0.0;
                for (size_t h = 0; h < helicities; ++h) weights[c] += one[h * colours];
                sum += weights[c];
            }
            if (!(sum > 0.0) || !isfinite(sum)) return ERROR;
            double target = random ? random[start + i] * sum : 0.0;
            size_t c = 0;
            while (c + 1 < flows && !(target < weights[c])) target -= weights[c++];
            result[start + i] = (int)c;
        }
    }
    return SUCCESS;
}

PUBLIC int umami_matrix_element(void *handle, size_t count, size_t stride, size_t offset,
                                size_t input_count, const int *input_keys,
                                const void *const *inputs, size_t output_count,
                                const int *output_keys, void *const *outputs) {
    const void *in[INPUTS] = {0};
    void *out[OUTPUTS] = {0};
    Instance *own = handle;
    if (!own || offset > stride || count > stride - offset) return ERROR;
    for (size_t i = 0; i < input_count; ++i) {
        int key = input_keys[i];
        if (key < 0 || key >= INPUTS || !inputs_known[key]) return UNSUPPORTED_INPUT;
        in[key] = inputs[i];
    }
    for (size_t i = 0; i < output_count; ++i) {
        int key = output_keys[i];
        if (key < 0 || key >= OUTPUTS || !outputs_known[key]) return UNSUPPORTED_OUTPUT;
        out[key] = outputs[i];
    }
    if (count == 0) return SUCCESS;
    if (!in[MOMENTA]) return MISSING_INPUT;
    const int *flavours = in[FLAVOR_INDEX];
    const double *alpha_s = in[ALPHA_S], *random = in[RANDOM_COLOR];
    size_t end = offset + count;
    for (size_t start = offset, n; start < end; start += n) {
        int flavour = flavours ? flavours[start] : 0;
        if (flavour < 0 || flavour >= FLAVOURS) return ERROR;
        for (n = 1; n < BLOCK && start + n < end; ++n)
            if (flavours && flavours[start + n] != flavour) break;
        gather(own, in[MOMENTA], start, n, stride);
        int status = SUCCESS;
        if (out[MATRIX_ELEMENT])
            status = evaluate(own, (size_t)flavour, n, alpha_s ? alpha_s + start : NULL,
                              (double *)out[MATRIX_ELEMENT] + start);
        if (status == SUCCESS && out[COLOR_INDEX])
            status = draw(own, (size_t)flavour, n, random ? random + start : NULL,
                          (int *)out[COLOR_INDEX] + start);
        if (status != SUCCESS) return status;
    }
    return SUCCESS;
}
