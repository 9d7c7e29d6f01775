//! Puts what one document says over what another says.

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// The keys that hold lists of tables. `FANFARE__HTTP__0__LISTEN` is `listen` of the first `[[http]]`.
const LISTS: [&str; 2] = ["http", "feed"];

/// Puts what one document says over what another says.
pub(super) fn lay_over<'a>(document: &mut DeTable<'a>, over: DeTable<'a>) {
    for (name, mut value) in over {
        if let DeValue::Table(above) = value.get_mut()
            && let Some(DeValue::Table(below)) = document.get_mut(&name).map(Spanned::get_mut)
        {
            lay_over(below, std::mem::take(above));
            continue;
        }
        if LISTS.contains(&name.get_ref().as_ref())
            && let DeValue::Table(above) = value.get_mut()
        {
            let list = document.get_mut(&name).map(Spanned::get_mut);
            let below =
                list.and_then(|list| if let DeValue::Array(below) = list { Some(below) } else { None });
            if let Some(left) = lay_over_list(below, std::mem::take(above)) {
                document.remove(&name);
                document.insert(name, Spanned::new(value.span(), left));
            }
            continue;
        }
        // The name goes as well, since it tells where the value stands.
        document.remove(&name);
        document.insert(name, value);
    }
}

/// Puts tables that a document names by their numbers over those of a list, or behind them where their numbers are next. Returns
/// what has to stand in the place of the list, if it is another: a list where there was none, or what cannot be one, which
/// whoever reads it refuses.
fn lay_over_list<'a>(below: Option<&mut DeArray<'a>>, over: DeTable<'a>) -> Option<DeValue<'a>> {
    let mut made = DeArray::new();
    let had_list = below.is_some();
    let list = below.unwrap_or(&mut made);
    let number = |name: &Spanned<DeString<'_>>| name.get_ref().parse::<usize>().ok();
    let mut numbered: Vec<_> = over.into_iter().collect();
    numbered.sort_by_key(|(name, _)| number(name));
    let mut wrong = DeTable::new();
    for (name, mut value) in numbered {
        match (number(&name), value.get_mut()) {
            (Some(at), DeValue::Table(above)) if at < list.len() => {
                if let Some(DeValue::Table(below)) = list.get_mut(at).map(Spanned::get_mut) {
                    lay_over(below, std::mem::take(above));
                }
            }
            (Some(at), _) if at == list.len() => list.push(value),
            _ => _ = wrong.insert(name, value),
        }
    }
    if !wrong.is_empty() {
        return Some(DeValue::Table(wrong));
    }
    (!had_list).then_some(DeValue::Array(made))
}
