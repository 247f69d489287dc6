/* Just enough JSON for one request per line and one reply per line. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;

/* A value; in an object or array it is linked to the next one. */
typedef struct json {
    json_kind kind;
    double number;
    char *text;
    size_t length;
    char *key;
    struct json *first, *next;
} json;

/* Reads one value; NULL where the text is not JSON. Free it with json_free. */
json *json_read(const char *text);
void json_free(json *value);

/* The member of an object; NULL where it has none of this name, or null. */
const json *json_member(const json *object, const char *key);

/* Text that grows. */
typedef struct {
    char *text;
    size_t length, room;
} buffer;

/* Appends formatted text. */
void put(buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends a string in quotes, or null. */
void put_string(buffer *out, const char *text);

#endif
