// SPDX-License-Identifier: MIT
#include "ticker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICKER_BUCKET_US    10u // the lateness histogram, up to 20 ms
#define TICKER_BUCKETS      2000u
#define TICKER_HIBERNATE_US 1000000u

struct ticker {
    struct loop_source *timer;
    ticker_fn          *fn;
    void               *userdata;
    uint64_t            period_us; // awake
    uint64_t            due_us;
    bool                is_hibernating;
    uint64_t            n_ticks;
    uint64_t            n_missed;
    uint64_t            sum_us;
    uint32_t            max_us;
    uint32_t            buckets[TICKER_BUCKETS];
    uint64_t            window_start_us; // for fps and CPU
    uint64_t            window_cpu_us;
    uint64_t            window_ticks;
    double              fps;
    double              cpu_share;
};

static uint64_t cpu_us(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used); // cannot fail on Linux
    return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static uint64_t period_us(const struct ticker *ticker)
{
    return ticker->is_hibernating ? TICKER_HIBERNATE_US : ticker->period_us;
}

static void account(struct ticker *ticker, uint64_t now_us)
{
    uint64_t late_us = now_us > ticker->due_us ? now_us - ticker->due_us : 0;
    uint64_t bucket = late_us / TICKER_BUCKET_US;

    ticker->n_ticks++;
    ticker->sum_us += late_us;
    ticker->max_us = (uint32_t)MAX(ticker->max_us, MIN(late_us, UINT32_MAX));
    ticker->buckets[MIN(bucket, TICKER_BUCKETS - 1)]++;
    while (ticker->due_us + period_us(ticker) <= now_us) {
        ticker->due_us += period_us(ticker);
        ticker->n_missed++;
    }
    ticker->due_us += period_us(ticker);
}

static void account_window(struct ticker *ticker, uint64_t now_us)
{
    uint64_t passed_us = now_us - ticker->window_start_us;

    ticker->window_ticks++;
    if (passed_us < 1000000)
        return;

    uint64_t used_us = cpu_us();
    ticker->fps = (double)ticker->window_ticks * 1e6 / (double)passed_us;
    ticker->cpu_share = (double)(used_us - ticker->window_cpu_us) / (double)passed_us;
    ticker->window_start_us = now_us;
    ticker->window_cpu_us = used_us;
    ticker->window_ticks = 0;
}

static void on_timer(void *userdata, uint64_t n_expired)
{
    struct ticker *ticker = userdata;
    uint64_t       now_us = loop_now_us();

    (void)n_expired; // the schedule says more precisely how late we are
    account(ticker, now_us);
    account_window(ticker, now_us);
    ticker->fn(ticker->userdata);
}

static void start(struct ticker *ticker)
{
    ticker->due_us = loop_now_us() + period_us(ticker);
    loop_set_timer(ticker->timer, period_us(ticker), period_us(ticker));
}

int ticker_new(struct ticker **ret, struct loop *loop, uint32_t tickrate, ticker_fn *fn,
               void *userdata, struct error *err)
{
    AUTO(freep)
    struct ticker *ticker = calloc(1, sizeof *ticker);
    if (!ticker)
        return error_sys(err, ENOMEM, "allocating the tick loop");

    ticker->fn = fn;
    ticker->userdata = userdata;
    ticker->period_us = 1000000 / tickrate;
    ticker->window_start_us = loop_now_us();
    ticker->window_cpu_us = cpu_us();
    if (loop_add_timer(&ticker->timer, loop, on_timer, ticker, err) < 0)
        return -1;

    start(ticker);
    *ret = TAKE(ticker);
    return 0;
}

struct ticker *ticker_free(struct ticker *ticker)
{
    if (ticker)
        loop_source_free(ticker->timer);
    free(ticker);
    return NULL;
}

void ticker_set_hibernating(struct ticker *ticker, bool is_hibernating)
{
    if (ticker->is_hibernating == is_hibernating)
        return;
    ticker->is_hibernating = is_hibernating;
    start(ticker);
}

void ticker_reset(struct ticker *ticker)
{
    ticker->n_ticks = ticker->n_missed = ticker->sum_us = 0;
    ticker->max_us = 0;
    memset(ticker->buckets, 0, sizeof ticker->buckets);
}

// The upper end of the bucket, as far as anything was that late; the last bucket has no end.
static uint32_t percentile_us(const struct ticker *ticker, unsigned percent)
{
    uint64_t wanted = (ticker->n_ticks * percent + 99) / 100;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < TICKER_BUCKETS; i++) {
        seen += ticker->buckets[i];
        if (seen && seen >= wanted)
            return i == TICKER_BUCKETS - 1 ? ticker->max_us
                                           : MIN((i + 1) * TICKER_BUCKET_US, ticker->max_us);
    }
    return 0;
}

void ticker_stats(const struct ticker *ticker, struct ticker_stats *ret)
{
    *ret = (struct ticker_stats){
        .n_ticks = ticker->n_ticks,
        .n_missed = ticker->n_missed,
        .mean_us = ticker->n_ticks ? (double)ticker->sum_us / (double)ticker->n_ticks : 0,
        .p50_us = percentile_us(ticker, 50),
        .p99_us = percentile_us(ticker, 99),
        .max_us = ticker->max_us,
        .fps = ticker->fps,
        .cpu_share = ticker->cpu_share,
    };
}
