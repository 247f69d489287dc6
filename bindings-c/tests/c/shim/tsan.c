/* What newer compilers call in instrumented code and GCC's ThreadSanitizer lacks: the plain functions,
 * which it watches all the same. */
#include <string.h>

void *__tsan_memset(void *place, int byte, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size);

void *__tsan_memset(void *place, int byte, size_t size) {
    return memset(place, byte, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size) {
    return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size) {
    return memmove(to, from, size);
}
