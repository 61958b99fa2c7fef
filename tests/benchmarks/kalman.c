/* The reference's filter as a C programmer would write it: a predict and an update a step. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

void filter(const double *z_bps_per_s, const int64_t *t_ms, size_t steps, double theta_per_s,
            double process_noise, double variance, double p_min, double posterior[2])
{
    double mean = posterior[0], p = posterior[1];
    int64_t last_ms = 0;
    for (size_t step = 0; step < steps; step++) {
        double dt_s = (double)(t_ms[step] - last_ms) / 1000.0;
        last_ms = t_ms[step];
        double decay = exp(-theta_per_s * dt_s);
        mean *= decay;
        p = p * decay * decay
            + process_noise / (2.0 * theta_per_s) * -expm1(-2.0 * theta_per_s * dt_s);
        double gain = p / (p + variance);
        mean += gain * (z_bps_per_s[step] - mean);
        p = fmax(p_min, (1.0 - gain) * p);
    }
    posterior[0] = mean;
    posterior[1] = p;
}
