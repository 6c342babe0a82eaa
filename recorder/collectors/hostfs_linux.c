/* Texts of /proc and /sys about the host, line by line. Formats: proc(5) and the kernel's sources. */
#include "recorder/collectors/hostfs_linux.h"

#include <string.h>

#include "recorder/textfile.h"

enum {
    DISK_FIELDS_LEAST = 11,
    INTERFACE_FIELDS_LEAST = NETDEV_FIELDS,
    INTERFACE_NAME_MAX = 64, /* 15 bytes and perhaps the number of an alias */
    OCTAL_DIGITS = 3,
    OCTAL = 8,
    HEX = 16,
    DECIMAL = 10,
    MILLION = 1000000,
};

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at;
}

/* The next word of a line; empty at its end. */
static struct hostfs_slice word(const char **at, const char *end)
{
    struct hostfs_slice found = { .at = skip_blanks(*at, end) };

    while (found.at + found.size < end && found.at[found.size] != ' ' &&
           found.at[found.size] != '\t')
        found.size++;
    *at = found.at + found.size;
    return found;
}

static bool is_word(struct hostfs_slice slice, const char *text)
{
    return slice.size == strlen(text) && memcmp(slice.at, text, slice.size) == 0;
}

/* The number that `digits` are, to the last of them. */
static struct hostfs_number number_of(const char *digits, const char *end)
{
    struct hostfs_number number = { 0 };

    number.missing = (uint8_t)textfile_number(&digits, end, &number.value);
    if (number.missing != MISSING_NONE || digits != end)
        number = (struct hostfs_number){ .missing = MISSING_FAILED };
    return number;
}

/* As many numbers as the line has, the others not there; how many it had, legible or not. */
static unsigned numbers(const char *at, const char *end, struct hostfs_number *number,
                        unsigned count)
{
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        struct hostfs_slice next = word(&at, end);

        number[i] = (struct hostfs_number){ .missing = MISSING_NOT_THERE };
        if (next.size == 0)
            continue;
        found++;
        number[i] = number_of(next.at, next.at + next.size);
    }
    return found;
}

/* --- pressure --- */

/* N of the word "total=N" in a line. */
static struct hostfs_number total_of(const char *at, const char *end)
{
    static const char name[] = "total=";
    const size_t size = sizeof name - 1;
    struct hostfs_number total = { .missing = MISSING_NOT_THERE };

    for (struct hostfs_slice next = word(&at, end); next.size > 0; next = word(&at, end)) {
        if (next.size > size && memcmp(next.at, name, size) == 0)
            total = number_of(next.at + size, next.at + next.size);
    }
    return total;
}

void hostfs_parse_pressure(const char *text, size_t size, struct hostfs_pressure *pressure)
{
    const char *at = text;
    const char *end = text + size;
    const char *line_end;

    pressure->some_us = pressure->full_us = (struct hostfs_number){ .missing = MISSING_NOT_THERE };
    for (; (line_end = textfile_line_end(at, end)) != NULL; at = line_end + 1) {
        struct hostfs_slice first = word(&at, line_end);

        if (is_word(first, "some"))
            pressure->some_us = total_of(at, line_end);
        else if (is_word(first, "full"))
            pressure->full_us = total_of(at, line_end);
    }
}

/* --- load --- */

/* "11.83" in millionths: six digits of the fraction at most, the rest is less than one. */
static struct hostfs_number millionths_of(struct hostfs_slice slice)
{
    const char *end = slice.at + slice.size, *point = memchr(slice.at, '.', slice.size);
    struct hostfs_number number = number_of(slice.at, point == NULL ? end : point);
    int64_t unit = MILLION;

    if (number.missing == MISSING_NONE && number.value > INT64_MAX / MILLION - 1)
        number = (struct hostfs_number){ .missing = MISSING_FAILED };
    if (number.missing != MISSING_NONE)
        return number;
    number.value *= MILLION;
    for (const char *at = point == NULL ? end : point + 1; at < end; at++) {
        if (*at < '0' || *at > '9')
            return (struct hostfs_number){ .missing = MISSING_FAILED };
        unit /= DECIMAL;
        number.value += (*at - '0') * unit;
    }
    return number;
}

void hostfs_parse_load(const char *text, size_t size, struct hostfs_number ppm[LOAD_MEANS])
{
    const char *at = text, *line_end = textfile_line_end(text, text + size);

    for (int i = 0; i < LOAD_MEANS; i++) {
        struct hostfs_slice next = { .size = 0 };

        if (line_end != NULL)
            next = word(&at, line_end);
        ppm[i] = next.size == 0 ? (struct hostfs_number){ .missing = MISSING_NOT_THERE }
                                : millionths_of(next);
    }
}

/* --- disks --- */

bool hostfs_parse_disk(const char *at, const char *end, struct hostfs_disk *disk)
{
    struct hostfs_number device[2];
    const char *name_at = at;

    if (numbers(at, end, device, 2) != 2 || device[0].missing != 0 || device[1].missing != 0)
        return false;
    disk->major = device[0].value;
    disk->minor = device[1].value;
    (void)word(&name_at, end);
    (void)word(&name_at, end);
    disk->name = word(&name_at, end);
    return disk->name.size > 0 &&
           numbers(name_at, end, disk->field, DISKSTAT_FIELDS) >= DISK_FIELDS_LEAST;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* bdev names of the kernel (block/partitions/core.c): a "p" between where the disk ends in a digit */
bool hostfs_is_partition(struct hostfs_slice disk, struct hostfs_slice name)
{
    size_t at = disk.size;

    if (disk.size == 0 || name.size <= disk.size || memcmp(disk.at, name.at, disk.size) != 0)
        return false;
    if (is_digit(disk.at[disk.size - 1]) && name.at[at++] != 'p')
        return false;
    if (at == name.size)
        return false;
    while (at < name.size && is_digit(name.at[at]))
        at++;
    return at == name.size;
}

/* --- interfaces --- */

bool hostfs_parse_interface(const char *at, const char *end, struct hostfs_interface *interface)
{
    const char *name = skip_blanks(at, end);
    const char *colon = NULL;

    /* The last colon: an alias has one in its name. Older kernels leave no blank behind it. */
    for (const char *p = name; p < end; p++)
        if (*p == ':')
            colon = p;
    if (colon == NULL || colon == name || colon - name > INTERFACE_NAME_MAX)
        return false;
    interface->name = (struct hostfs_slice){ name, (size_t)(colon - name) };
    if (memchr(name, ' ', interface->name.size) != NULL)
        return false;
    return numbers(colon + 1, end, interface->field, NETDEV_FIELDS) >= INTERFACE_FIELDS_LEAST;
}

/* --- mounts --- */

/* Whether a list "a,b,c" begins with "ro": the kernel puts ro or rw first. */
static bool is_read_only(struct hostfs_slice options)
{
    return options.size >= 2 && memcmp(options.at, "ro", 2) == 0 &&
           (options.size == 2 || options.at[2] == ',');
}

static bool parse_device(struct hostfs_slice text, struct hostfs_mount *mount)
{
    const char *at = text.at;
    const char *end = text.at + text.size;

    if (textfile_number(&at, end, &mount->major) != MISSING_NONE || at == end || *at != ':')
        return false;
    at++;
    return textfile_number(&at, end, &mount->minor) == MISSING_NONE && at == end;
}

bool hostfs_parse_mount(const char *at, const char *end, struct hostfs_mount *mount)
{
    struct hostfs_slice next;

    (void)word(&at, end); /* id */
    (void)word(&at, end); /* parent */
    if (!parse_device(word(&at, end), mount))
        return false;
    mount->root = word(&at, end);
    mount->point = word(&at, end);
    (void)word(&at, end); /* options of this mount */
    do {
        next = word(&at, end); /* tags: shared:1, master:2, ... */
    } while (next.size > 0 && !is_word(next, "-"));
    mount->type = word(&at, end);
    mount->source = word(&at, end);
    next = word(&at, end);
    if (next.size == 0) { /* an empty source leaves a word less */
        next = mount->source;
        mount->source = (struct hostfs_slice){ next.at, 0 };
    }
    mount->read_only = is_read_only(next);
    return mount->type.size > 0 && next.size > 0;
}

bool hostfs_unescape(struct hostfs_slice path, char *text, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < path.size; i++) {
        unsigned value = 0;
        size_t digits = 0;

        if (used + 1 >= room)
            return false;
        while (path.at[i] == '\\' && digits < OCTAL_DIGITS && i + 1 + digits < path.size &&
               path.at[i + 1 + digits] >= '0' && path.at[i + 1 + digits] <= '7')
            value = value * OCTAL + (unsigned)(path.at[i + 1 + digits++] - '0');
        text[used] = path.at[i];
        if (digits == OCTAL_DIGITS && value > 0 && value <= UINT8_MAX) {
            text[used] = (char)value;
            i += OCTAL_DIGITS;
        }
        used++;
    }
    if (room == 0)
        return false;
    text[used] = '\0';
    return true;
}

/* --- single values --- */

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum missing parse_hex(const char *at, const char *end, int64_t *value)
{
    int64_t sum = 0;

    if (at == end || hex_digit(*at) < 0)
        return MISSING_NOT_THERE;
    for (; at < end && hex_digit(*at) >= 0; at++) {
        if (__builtin_mul_overflow(sum, HEX, &sum))
            return MISSING_FAILED;
        sum += hex_digit(*at);
    }
    *value = sum;
    return MISSING_NONE;
}

enum missing hostfs_parse_value(const char *text, size_t size, int64_t *value)
{
    const char *end = text + size;
    const char *at = skip_blanks(text, end);
    bool negative = at < end && *at == '-';
    int64_t number = 0;
    enum missing why;

    if (end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
        return parse_hex(at + 2, end, value);
    at += negative;
    if (at == end || !is_digit(*at))
        return MISSING_NOT_THERE;
    why = textfile_number(&at, end, &number);
    if (why == MISSING_NONE)
        *value = negative ? -number : number;
    return why;
}
