#ifndef DARWIN_LIBC_MATH_H
#define DARWIN_LIBC_MATH_H

double ceil(double x);
double fabs(double x);
long double fabsl(long double x);
double sqrt(double x);
double fmax(double x, double y);
double floor(double x);
long long llround(double x);
double pow(double x, double y);
double trunc(double x);
double round(double x);
#define isfinite(x) __builtin_isfinite(x)
#define isnan(x) __builtin_isnan(x)
#define NAN __builtin_nanf("")

#endif
