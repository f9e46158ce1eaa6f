#if defined(__GNUC__) && !defined(__clang__)
/* Nobody reads errno: a root is one instruction. */
#pragma GCC optimize("no-math-errno")
#endif

