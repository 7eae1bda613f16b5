// SPDX-License-Identifier: MIT
#include "base/error.h"
// Each byte of what crosses a socket, or lies in a file for others, is a field's.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "base/protocol.h"
#pragma GCC diagnostic pop

#include <stdio.h>
#include <string.h>
#include "base/number.h"
#include "base/text.h"

_Static_assert(sizeof(struct instance_name) == 72, "no hidden padding in what crosses a socket");
_Static_assert(sizeof(struct instance_limits) == 48, "no hidden padding");
_Static_assert(sizeof(struct instance_stack) == 8 + 8 * STACK_LAYERS_MAX + 8 + 48, "no padding");
_Static_assert(sizeof(struct request_stack) == 8 + 72 + sizeof(struct instance_stack),
               "no padding");
_Static_assert(sizeof(struct request_build_start) == 40, "no hidden padding");
_Static_assert(sizeof(struct request_overlay) == 16, "no hidden padding");
_Static_assert(sizeof(struct build_spec) == 48, "no hidden padding");
_Static_assert(sizeof(struct log_request) == 96, "no hidden padding");
_Static_assert(sizeof(struct log_entry) == 56, "no hidden padding");
_Static_assert(sizeof(struct reply) == 24 + 8 + 72 + ERROR_MESSAGE_MAX, "no hidden padding");

static bool is_name_byte(char c, bool is_first)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return true;
    return !is_first && (c == '_' || c == '-');
}

static bool is_zero(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

bool instance_name_is_valid(const struct instance_name *name)
{
    size_t n = strnlen(name->text, sizeof name->text);

    if (n == 0 || n > INSTANCE_NAME_MAX || !is_zero(name->text + n, sizeof name->text - n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_name_byte(name->text[i], i == 0))
            return false;
    return true;
}

int instance_name_set(struct instance_name *ret, const char *text, struct error *err)
{
    struct instance_name name = { 0 };
    size_t               n = strnlen(text, INSTANCE_NAME_MAX + 1);

    if (n <= INSTANCE_NAME_MAX)
        memcpy(name.text, text, n);
    if (n > INSTANCE_NAME_MAX || !instance_name_is_valid(&name)) {
        char shown[INSTANCE_NAME_MAX + 2];
        (void)text_sanitize(shown, sizeof shown, text, n); // it ends up on terminals
        return error_set(err, ERROR_INVALID,
                         "'%s' is not an instance name: use 1 to %u of a-z 0-9 _ -, beginning with "
                         "a letter or digit",
                         shown, INSTANCE_NAME_MAX);
    }
    *ret = name;
    return 0;
}

static int limits_check(const struct instance_limits *limits, struct error *err)
{
    if (limits->memory_bytes &&
        (limits->memory_bytes < LIMIT_MEMORY_MIN || limits->memory_bytes > LIMIT_MEMORY_MAX))
        return error_set(err, ERROR_INVALID, "the memory limit is not between 64M and 16T");
    if (limits->cpu_percent > LIMIT_CPU_PERCENT_MAX)
        return error_set(err, ERROR_INVALID, "the CPU limit is above %u %%", LIMIT_CPU_PERCENT_MAX);
    if (limits->tasks && (limits->tasks < LIMIT_TASKS_MIN || limits->tasks > LIMIT_TASKS_MAX))
        return error_set(err, ERROR_INVALID, "the task limit is not between %u and %u",
                         LIMIT_TASKS_MIN, LIMIT_TASKS_MAX);
    return 0;
}

static int ports_check(const struct instance_stack *stack, struct error *err)
{
    if (stack->port < 1024 || (stack->tv_port && stack->tv_port < 1024) ||
        (stack->client_port && stack->client_port < 1024))
        return error_set(err, ERROR_INVALID, "a port is below 1024");
    if (stack->tv_port == stack->port || stack->client_port == stack->port ||
        (stack->tv_port && stack->tv_port == stack->client_port))
        return error_set(err, ERROR_INVALID, "two of the ports are the same");
    return 0;
}

int instance_stack_check(const struct instance_stack *stack, struct error *err)
{
    if (stack->zero)
        return error_set(err, ERROR_INVALID, "a reserved field is not zero");
    if (stack->config_generation == 0 || stack->config_generation > NUMBER_MAX)
        return error_set(err, ERROR_INVALID, "the config generation is out of range");
    if (stack->n_layers == 0 || stack->n_layers > STACK_LAYERS_MAX)
        return error_set(err, ERROR_INVALID, "a stack has 1 to %u layers", STACK_LAYERS_MAX);
    for (uint32_t i = 0; i < stack->n_layers; i++) {
        const struct layer_ref *layer = &stack->layers[i];
        if (layer->overlay == 0 || layer->overlay > NUMBER_MAX || layer->generation == 0 ||
            layer->generation > NUMBER_MAX)
            return error_set(err, ERROR_INVALID, "layer %u is out of range", i + 1);
        for (uint32_t j = 0; j < i; j++) // overlayfs refuses one directory twice
            if (stack->layers[j].overlay == layer->overlay)
                return error_set(err, ERROR_INVALID, "overlay %u is in the stack twice",
                                 layer->overlay);
    }
    if (!is_zero(stack->layers + stack->n_layers,
                 (STACK_LAYERS_MAX - stack->n_layers) * sizeof stack->layers[0]))
        return error_set(err, ERROR_INVALID, "a reserved field is not zero");
    if (ports_check(stack, err) < 0)
        return -1;
    return limits_check(&stack->limits, err);
}

int number_name_parse(uint32_t *ret, const char *text, struct error *err)
{
    if (text[0] == '0')
        return error_set(err, ERROR_INVALID, "'%.20s' is not a number of ours", text);
    return number_parse_u32(ret, text, 1, NUMBER_MAX, err);
}

int log_request_check(const struct log_request *request, size_t n_bytes, struct error *err)
{
    uint32_t number;

    if (n_bytes != sizeof *request || request->magic != PROTOCOL_MAGIC)
        return error_set(err, ERROR_INVALID, "the message is not one of ours");
    if (request->source == 0 || request->source >= LOG_SOURCE_COUNT)
        return error_set(err, ERROR_INVALID, "there is no such log");
    if (request->n_lines > LOG_LINES_MAX || request->flags & ~(LOG_FOLLOW | LOG_ALL_RUNS) ||
        (request->since_us && (request->n_lines || !(request->flags & LOG_ALL_RUNS))))
        return error_set(err, ERROR_INVALID, "the request is out of range");
    if (!instance_name_is_valid(&request->name))
        return error_set(err, ERROR_INVALID, "the name is not valid");
    if (request->source != LOG_SERVER && request->source != LOG_MOUNT)
        return number_name_parse(&number, request->name.text, err);
    return 0;
}
