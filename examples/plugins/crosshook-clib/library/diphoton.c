/* |M|^2 of e+ e- -> gamma gamma at tree level, massless: stands for a library of your own.
 *
 *     cc -O2 -shared -fPIC -o libdiphoton.so diphoton.c -lm
 */
#include <math.h>

/* Minkowski product of two rows (E, px, py, pz). */
static double dot(const double *a, const double *b) {
    return a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
}

/* n points: momenta n*4*4 (incoming first, GeV), alpha n, value n. Averaged over initial and summed
 * over final spins, with 1/2 for the two photons. Returns how many points are computed; at the first
 * one on a pole it stops. */
long diphoton_squared(long n, const double *momenta, const double *alpha, double *value) {
    for (long i = 0; i < n; i++) {
        const double *p = momenta + 16 * i;
        const double t = -2 * dot(p, p + 8), u = -2 * dot(p, p + 12);
        if (t == 0 || u == 0) return i;
        value[i] = 16 * M_PI * M_PI * alpha[i] * alpha[i] * (t / u + u / t);
    }
    return n;
}
