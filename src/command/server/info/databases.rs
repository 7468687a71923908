//! The section Keyspace: a line for every database that has keys.

use super::Source;
use super::text::Text;

pub(super) fn databases(source: &mut Source<'_, '_>, text: &mut Text) {
    for (number, database) in source.databases().iter().enumerate() {
        if database.keys == 0 {
            continue;
        }
        text.field(
            format_args!("db{number}"),
            format_args!(
                "keys={},expires={},avg_ttl={},keys_with_volatile_items={}",
                database.keys,
                database.expiring,
                database.average_ttl,
                database.with_expiring_fields
            ),
        );
    }
}
