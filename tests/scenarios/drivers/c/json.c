#include "json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than any request. */
#define DEPTH_MAX 32

static json *read_value(const char **at, int depth);

static void *must(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void skip_space(const char **at) {
    *at += strspn(*at, " \t\r\n");
}

static bool read_hex(const char **at, unsigned *code) {
    *code = 0;
    for (int i = 0; i < 4; i++, (*at)++) {
        const char *digits = "0123456789abcdef", *found = NULL;
        char digit = **at >= 'A' && **at <= 'F' ? (char)(**at + 32) : **at;
        if (digit == '\0' || (found = strchr(digits, digit)) == NULL) {
            return false;
        }
        *code = *code * 16 + (unsigned)(found - digits);
    }
    return true;
}

static char *write_utf8(char *to, unsigned code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* Reads a string behind its opening quote. It never grows when its escapes are read. */
static char *read_string(const char **at, size_t *length) {
    char *text = must(malloc(strlen(*at) + 1)), *to = text;
    while (**at != '"') {
        unsigned code, low;
        if (**at == '\0') {
            free(text);
            return NULL;
        }
        if (**at != '\\') {
            *to++ = *(*at)++;
            continue;
        }
        (*at)++;
        char escape = *(*at)++;
        const char *from = "bfnrt\"\\/", *found;
        if (escape == 'u' && read_hex(at, &code)) {
            bool pair = code >= 0xd800 && code < 0xdc00 && (*at)[0] == '\\' && (*at)[1] == 'u';
            if (pair) {
                *at += 2;
                if (!read_hex(at, &low)) {
                    free(text);
                    return NULL;
                }
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
            to = write_utf8(to, code);
        } else if (escape != '\0' && (found = strchr(from, escape)) != NULL) {
            *to++ = "\b\f\n\r\t\"\\/"[found - from];
        } else {
            free(text);
            return NULL;
        }
    }
    (*at)++;
    *to = '\0';
    *length = (size_t)(to - text);
    return text;
}

static bool read_members(json *parent, const char **at, int depth) {
    char end = parent->kind == JSON_OBJECT ? '}' : ']';
    json **link = &parent->first;
    skip_space(at);
    while (**at != end) {
        char *key = NULL;
        size_t length;
        if (parent->kind == JSON_OBJECT) {
            if (**at != '"') {
                return false;
            }
            (*at)++;
            if ((key = read_string(at, &length)) == NULL) {
                return false;
            }
            skip_space(at);
            if (**at != ':') {
                free(key);
                return false;
            }
            (*at)++;
        }
        json *value = read_value(at, depth + 1);
        if (value == NULL) {
            free(key);
            return false;
        }
        value->key = key;
        *link = value;
        link = &value->next;
        skip_space(at);
        if (**at == ',') {
            (*at)++;
            skip_space(at);
        } else if (**at != end) {
            return false;
        }
    }
    (*at)++;
    return true;
}

static json *read_value(const char **at, int depth) {
    static const struct {
        const char *word;
        json_kind kind;
    } words[] = { { "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE } };
    json *value = must(calloc(1, sizeof *value));
    bool good = false;
    skip_space(at);
    if (depth <= DEPTH_MAX && (**at == '{' || **at == '[')) {
        value->kind = **at == '{' ? JSON_OBJECT : JSON_ARRAY;
        (*at)++;
        good = read_members(value, at, depth);
    } else if (**at == '"') {
        (*at)++;
        value->kind = JSON_STRING;
        good = (value->text = read_string(at, &value->length)) != NULL;
    } else if (**at == '-' || (**at >= '0' && **at <= '9')) {
        char *end;
        value->kind = JSON_NUMBER;
        value->number = strtod(*at, &end);
        good = end != *at;
        *at = end;
    } else {
        for (size_t i = 0; i < sizeof words / sizeof words[0] && !good; i++) {
            size_t length = strlen(words[i].word);
            if (strncmp(*at, words[i].word, length) == 0) {
                value->kind = words[i].kind;
                *at += length;
                good = true;
            }
        }
    }
    if (!good) {
        json_free(value);
        return NULL;
    }
    return value;
}

json *json_read(const char *text) {
    json *value = read_value(&text, 0);
    skip_space(&text);
    if (value != NULL && *text != '\0') {
        json_free(value);
        return NULL;
    }
    return value;
}

void json_free(json *value) {
    while (value != NULL) {
        json *next = value->next;
        json_free(value->first);
        free(value->text);
        free(value->key);
        free(value);
        value = next;
    }
}

const json *json_member(const json *object, const char *key) {
    for (const json *member = object == NULL ? NULL : object->first; member != NULL; member = member->next) {
        if (member->key != NULL && strcmp(member->key, key) == 0) {
            return member->kind == JSON_NULL ? NULL : member;
        }
    }
    return NULL;
}

static void reserve(buffer *out, size_t more) {
    if (out->length + more + 1 > out->room) {
        out->room = (out->length + more + 1) * 2;
        out->text = must(realloc(out->text, out->room));
    }
}

void put(buffer *out, const char *format, ...) {
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    reserve(out, (size_t)length);
    vsnprintf(out->text + out->length, (size_t)length + 1, format, again);
    va_end(again);
    out->length += (size_t)length;
}

void put_string(buffer *out, const char *text) {
    if (text == NULL) {
        put(out, "null");
        return;
    }
    put(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            put(out, "\\%c", *text);
        } else if ((unsigned char)*text < 0x20) {
            put(out, "\\u%04x", (unsigned char)*text);
        } else {
            put(out, "%c", *text);
        }
    }
    put(out, "\"");
}
