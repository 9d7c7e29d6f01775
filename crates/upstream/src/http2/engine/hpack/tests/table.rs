//! The table against a model that keeps each field by itself.

use proptest::prelude::*;

use super::drawn::{name, value};
use super::{List, added};
use crate::http2::engine::hpack::table::{Name, Table};

#[derive(Debug, Clone)]
enum Change {
    Size(usize),
    Written(Vec<u8>, Vec<u8>),
    /// A field whose name is that of an entry. The part of all entries at which it stands is drawn, from the newest.
    Named(prop::sample::Index, Vec<u8>),
    NamedAsStatic(usize, Vec<u8>),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        1 => (0_usize..4200).prop_map(Change::Size),
        10 => (name(), value()).prop_map(|(name, value)| Change::Written(name, value)),
        10 => (any::<prop::sample::Index>(), value()).prop_map(|(at, value)| Change::Named(at, value)),
        4 => (1_usize..62, value()).prop_map(|(index, value)| Change::NamedAsStatic(index, value)),
    ];
    prop::collection::vec(change, 1..80)
}

/// Evicts as RFC 7541, sections 4.3 and 4.4, says.
fn evict(model: &mut List, size: usize) {
    let sum = |model: &List| model.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>();
    while sum(model) > size {
        model.pop();
    }
}

proptest! {
    #[test]
    fn the_table_holds_what_the_rfc_says(changes in changes()) {
        let (mut table, mut model, mut size) = (Table::new(), List::new(), 4096);
        for change in changes {
            let (name, field) = match &change {
                Change::Size(to) => {
                    size = *to.min(&4096);
                    table.set_max_size(*to);
                    evict(&mut model, size);
                    continue;
                }
                Change::Written(name, value) => (Name::Text(name), (name.clone(), value.clone())),
                Change::Named(_, _) if model.is_empty() => continue,
                Change::Named(at, value) => {
                    let at = at.index(model.len());
                    (Name::Index(62 + at), (model[at].0.clone(), value.clone()))
                }
                Change::NamedAsStatic(index, value) => {
                    (Name::Index(*index), (table.get(*index).unwrap().0.to_vec(), value.clone()))
                }
            };
            let last = table.newest();
            table.add(name, &field.1);
            model.insert(0, field);
            evict(&mut model, size);
            prop_assert_eq!(added(&table), model.clone());
            // An entry keeps its place when another one is added.
            if model.len() > 1 {
                prop_assert_eq!(table.index(last), 63);
                prop_assert_eq!(table.index(table.place(63)), 63);
            }
        }
    }

    #[test]
    fn a_field_is_found_where_it_is(changes in prop::collection::vec((name(), value()), 0..30), name in name(), value in value()) {
        let mut table = Table::new();
        for (name, value) in &changes {
            table.add(Name::Text(name), value);
        }
        let all: Vec<_> = (1..).map_while(|index| table.get(index)).collect();
        let found = table.find(&name, &value);
        prop_assert_eq!(found.is_some(), all.contains(&(&name[..], &value[..])));
        prop_assert!(found.is_none_or(|index| table.get(index) == Some((&name[..], &value[..]))));
        let named = all.iter().position(|entry| entry.0 == name).map(|at| at + 1);
        prop_assert_eq!(table.find_name(&name), named);
    }
}
