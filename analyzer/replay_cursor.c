#include "analyzer/replay_cursor.h"

static size_t block_count(const struct replay_cursor *cursor)
{
    return cursor->contents->block_count[0];
}

static const struct recording_block *block_at(const struct replay_cursor *cursor, size_t block)
{
    return &cursor->contents->blocks[0][block];
}

/* Have the ticks of the block that the cursor is in. */
static enum status load(struct replay_cursor *cursor, struct error *err)
{
    const struct recording_block *block = block_at(cursor, cursor->block);
    enum status st;

    if (cursor->loaded == cursor->block)
        return STATUS_OK;
    block_ticks_release(&cursor->ticks);
    cursor->loaded = SIZE_MAX;
    st = recording_ticks(cursor->recording, block, &cursor->ticks, err);
    if (st != STATUS_OK)
        return st;
    if (cursor->ticks.count != block->tick_count || cursor->ticks.count == 0)
        return error_set(err, STATUS_CORRUPT, "%s: block %lld has %u ticks, and says %u",
                         cursor->contents->path, (long long)block->block_seq, cursor->ticks.count,
                         block->tick_count);
    cursor->loaded = cursor->block;
    return STATUS_OK;
}

enum status replay_cursor_open(struct replay_cursor *cursor, struct recording *recording,
                               struct error *err)
{
    *cursor = (struct replay_cursor){ .recording = recording,
                                      .contents = recording_contents(recording),
                                      .loaded = SIZE_MAX };
    if (block_count(cursor) == 0)
        return error_set(err, STATUS_ABSENT, "%s: it has no tick: nothing was sampled yet",
                         cursor->contents->path);
    return load(cursor, err);
}

void replay_cursor_close(struct replay_cursor *cursor)
{
    block_ticks_release(&cursor->ticks);
    cursor->loaded = SIZE_MAX;
}

/* The last block that begins at or before that time, or the first. */
static size_t find_block(const struct replay_cursor *cursor, int64_t time_ns)
{
    size_t first = 0, count = block_count(cursor);

    while (count > 1) {
        size_t half = count / 2;

        if (block_at(cursor, first + half)->start_ns <= time_ns) {
            first += half;
            count -= half;
        } else {
            count = half;
        }
    }
    return first;
}

enum status replay_cursor_seek(struct replay_cursor *cursor, int64_t time_ns, struct error *err)
{
    cursor->block = find_block(cursor, time_ns);
    cursor->tick = 0;
    if (load(cursor, err) != STATUS_OK)
        return err->status;
    while (cursor->tick + 1 < cursor->ticks.count &&
           cursor->ticks.start_ns[cursor->tick + 1] <= time_ns)
        cursor->tick++;
    return STATUS_OK;
}

static void go_on(struct replay_cursor *cursor, uint64_t ticks)
{
    uint32_t left = block_at(cursor, cursor->block)->tick_count - 1 - cursor->tick;

    while (ticks > left && cursor->block + 1 < block_count(cursor)) {
        ticks -= left + 1;
        cursor->block++;
        cursor->tick = 0;
        left = block_at(cursor, cursor->block)->tick_count - 1;
    }
    cursor->tick += ticks < left ? (uint32_t)ticks : left;
}

static void go_back(struct replay_cursor *cursor, uint64_t ticks)
{
    while (ticks > cursor->tick && cursor->block > 0) {
        ticks -= cursor->tick + 1;
        cursor->block--;
        cursor->tick = block_at(cursor, cursor->block)->tick_count - 1;
    }
    cursor->tick -= ticks < cursor->tick ? (uint32_t)ticks : cursor->tick;
}

enum status replay_cursor_step(struct replay_cursor *cursor, int64_t ticks, struct error *err)
{
    if (ticks >= 0)
        go_on(cursor, (uint64_t)ticks);
    else
        go_back(cursor, 0 - (uint64_t)ticks);
    return load(cursor, err);
}

int64_t replay_cursor_ns(const struct replay_cursor *cursor)
{
    return cursor->ticks.start_ns[cursor->tick];
}

bool replay_cursor_at_end(const struct replay_cursor *cursor)
{
    return cursor->block + 1 == block_count(cursor) && cursor->tick + 1 == cursor->ticks.count;
}

struct window replay_cursor_window(const struct replay_cursor *cursor)
{
    int64_t now_ns = replay_cursor_ns(cursor);
    int64_t before_ns = cursor->tick > 0 ? cursor->ticks.start_ns[cursor->tick - 1]
                                         : block_at(cursor, cursor->block)->previous_ns;

    if (before_ns == NO_TIME && cursor->block > 0)
        before_ns = block_at(cursor, cursor->block - 1)->end_ns;
    if (before_ns == NO_TIME || before_ns >= now_ns)
        before_ns = now_ns - 1;
    return (struct window){ .from_ns = before_ns, .to_ns = now_ns };
}
