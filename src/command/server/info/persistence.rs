//! The section Persistence: nothing is stored, so all that changes is the count of what a save would have to store.

use super::Source;
use super::text::Text;

pub(super) fn persistence(source: &mut Source<'_, '_>, text: &mut Text) {
    text.fields(
        &[
            "loading",
            "async_loading",
            "current_cow_peak",
            "current_cow_size",
            "current_cow_size_age",
        ],
        0,
    );
    text.field("current_fork_perc", "0.00");
    text.fields(
        &["current_save_keys_processed", "current_save_keys_total"],
        0,
    );
    text.field(
        "rdb_changes_since_last_save",
        source.server.stats.totals().changes,
    );
    text.field("rdb_bgsave_in_progress", 0);
    text.field("rdb_last_save_time", source.server.facts.started_at / 1000);
    text.field("rdb_last_bgsave_status", "ok");
    text.fields(
        &["rdb_last_bgsave_time_sec", "rdb_current_bgsave_time_sec"],
        -1,
    );
    text.fields(
        &[
            "rdb_saves",
            "rdb_last_cow_size",
            "rdb_last_load_keys_expired",
            "rdb_last_load_keys_loaded",
            "aof_enabled",
            "aof_rewrite_in_progress",
            "aof_rewrite_scheduled",
        ],
        0,
    );
    text.fields(
        &["aof_last_rewrite_time_sec", "aof_current_rewrite_time_sec"],
        -1,
    );
    text.field("aof_last_bgrewrite_status", "ok");
    text.fields(&["aof_rewrites", "aof_rewrites_consecutive_failures"], 0);
    text.field("aof_last_write_status", "ok");
    text.fields(
        &[
            "aof_last_cow_size",
            "module_fork_in_progress",
            "module_fork_last_cow_size",
            "slot_migration_fork_in_progress",
        ],
        0,
    );
}
