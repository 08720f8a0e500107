/* Stands for the header of pyAmpliCol's runtime: what provider.c uses of it. */
#include <stddef.h>
#include <stdint.h>
typedef struct RusticolRuntimeHandle RusticolRuntimeHandle;
enum { RUSTICOL_STATUS_OK = 0, RUSTICOL_STATUS_RUNTIME_ERROR = 3 };
int rusticol_last_error_message(char *, size_t, size_t *);
int rusticol_runtime_load(const char *, const char *, const char *, RusticolRuntimeHandle **);
int rusticol_runtime_free(RusticolRuntimeHandle *);
int rusticol_runtime_external_count(const RusticolRuntimeHandle *, size_t *);
int rusticol_runtime_color_count(const RusticolRuntimeHandle *, size_t *);
int rusticol_runtime_set_model_parameter(RusticolRuntimeHandle *, const char *, double, double);
int rusticol_runtime_get_model_parameter(const RusticolRuntimeHandle *, const char *, double *,
                                         double *);
int rusticol_runtime_evaluate_f64(RusticolRuntimeHandle *, const double *, size_t, size_t, double *,
                                  size_t);
int rusticol_runtime_resolved_shape(const RusticolRuntimeHandle *, const char *const *, size_t,
                                    const char *const *, size_t, size_t *, size_t *);
int rusticol_runtime_evaluate_resolved_f64(RusticolRuntimeHandle *, const double *, size_t, size_t,
                                           const char *const *, size_t, const char *const *, size_t,
                                           double *, size_t, size_t *, size_t *);
