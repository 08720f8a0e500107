/* gg -> tt~ behind the functions by which MadGraph's Fortran calls cudacpp; written for these tests.
   OLD leaves out the number of the graph, which earlier versions do not take. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct bridge { int events; double mass; };

void fbridgecreate_(struct bridge **bridge, const int *events, const int *legs, const int *four)
{
    FILE *card = fopen("../Cards/param_card.dat", "r");
    char line[256];
    if (*legs != 4 || *four != 4 || !card) {
        fprintf(stderr, "npar mismatch or no card\n");
        abort();
    }
    *bridge = malloc(sizeof **bridge);
    (*bridge)->events = *events;
    while (fgets(line, sizeof line, card))
        sscanf(line, " 6 %lf # MT", &(*bridge)->mass);
    fclose(card);
    printf("a bridge that talks\n");
}

static double dot(const double *p, const double *q)
{
    return p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3];
}

void fbridgesequence_nomultichannel_(struct bridge **bridge, const double *momenta,
                                     const double *couplings, const double *helicity,
                                     const double *colour,
#ifndef OLD
                                     const int *graph,
#endif
                                     double *values, int *chosen_helicity, int *chosen_colour,
                                     const char *good_helicities_only)
{
    for (int i = 0; i < (*bridge)->events; i++) {
        const double *p = momenta + 16 * i, g = couplings[i], m = (*bridge)->mass;
        double s = 2 * dot(p, p + 4), a = 2 * dot(p, p + 8) / s, b = 1 - a, rho = 4 * m * m / s;
        double shape = a * a + b * b + rho - rho * rho / (4 * a * b);
        values[i] = g * g * g * g * (1 / (6 * a * b) - 3. / 8) * shape;
#ifndef OLD
        if (graph[i]) values[i] = NAN;
#endif
        chosen_helicity[i] = chosen_colour[i] = helicity[i] + colour[i] > 0;
    }
    (void)good_helicities_only;
}
