#undef assert
#define assert(claim) ((claim) ? (void)0 : __builtin_trap())
#define static_assert _Static_assert
