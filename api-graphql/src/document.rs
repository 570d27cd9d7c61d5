//! What a document may hold, looked at before the schema sees it: the schema unfolds fragments wherever they are
//! named, and a few lines may unfold to more than there is time for.

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{ErrorExtensions as _, Pos, Request, ServerError};

use crate::server::LIMITS;

/// Refuses a document that unfolds to more fields than any may have, or asks for too much at its root. One that
/// cannot be read is left to the schema.
pub(crate) fn check(request: &mut Request) -> Result<(), ServerError> {
    let Ok(document) = request.parsed_query() else { return Ok(()) };
    let mut left = LIMITS.cost;
    for (_, operation) in document.operations.iter() {
        let (root, pos) = (&operation.node.selection_set.node, operation.pos);
        unfold(document, root, LIMITS.recursion, &mut left).ok_or_else(|| too_complex(pos, "Query is too complex."))?;
        let (most, what) = match operation.node.ty {
            OperationType::Query => continue,
            OperationType::Mutation => (LIMITS.mutations, "mutations"),
            // As the specification has it.
            OperationType::Subscription => (1, "subscription"),
        };
        if roots(document, root, LIMITS.recursion) > most {
            return Err(too_complex(pos, &format!("A document holds at most {most} {what}.")));
        }
    }
    Ok(())
}

fn too_complex(pos: Pos, message: &str) -> ServerError {
    let error = async_graphql::Error::new(message);
    error.extend_with(|_, extensions| extensions.set("code", "QUERY_TOO_COMPLEX")).into_server_error(pos)
}

/// What a selection holds in its turn; nothing where a fragment is not known.
fn within<'a>(document: &'a ExecutableDocument, selection: &'a Selection) -> Option<&'a SelectionSet> {
    match selection {
        Selection::Field(field) => Some(&field.node.selection_set.node),
        Selection::InlineFragment(fragment) => Some(&fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.map(|fragment| &fragment.node.selection_set.node)
        }
    }
}

/// Goes through all that a selection unfolds to, as deep as the schema would; `None` where that is more than is left.
fn unfold(document: &ExecutableDocument, set: &SelectionSet, levels: usize, left: &mut usize) -> Option<()> {
    for selection in &set.items {
        *left = left.checked_sub(1)?;
        if let Some(within) = within(document, &selection.node)
            && levels > 0
        {
            unfold(document, within, levels - 1, left)?;
        }
    }
    Some(())
}

/// How many fields a selection asks for by itself, with those of its fragments.
fn roots(document: &ExecutableDocument, set: &SelectionSet, levels: usize) -> usize {
    let count = |selection: &Selection| match (selection, within(document, selection)) {
        (Selection::Field(field), _) => usize::from(field.node.name.node != "__typename"),
        (_, Some(within)) if levels > 0 => roots(document, within, levels - 1),
        _ => 0,
    };
    set.items.iter().map(|selection| count(&selection.node)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> Option<String> {
        check(&mut Request::new(query)).err().map(|error| error.message)
    }

    fn repeated(count: usize, one: impl Fn(usize) -> String) -> String {
        (0..count).map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn fragments_that_unfold_without_end_are_refused_at_once() {
        let doubling = repeated(30, |i| format!("fragment f{i} on Query {{ ...f{} ...f{} }}", i + 1, i + 1));
        let many = format!("{{ ...f0 }} {doubling} fragment f30 on Query {{ __typename }}");
        assert_eq!(refused(&many).as_deref(), Some("Query is too complex."));
        assert_eq!(refused("{ ...a } fragment a on Query { ...a ...a }").as_deref(), Some("Query is too complex."));
        assert_eq!(refused("{ ...a } fragment a on Query { ...a }"), None, "the schema has words for it");
        assert_eq!(refused("{ ...a ...nobody } fragment a on Query { __typename }"), None);
        assert_eq!(refused("{"), None);
    }

    #[test]
    fn a_document_holds_so_many_mutations_and_one_subscription() {
        let delete = |i| format!("m{i}: deleteCreation(number: {i})");
        let most = repeated(LIMITS.mutations, delete);
        let over = format!("A document holds at most {} mutations.", LIMITS.mutations);
        assert_eq!(refused(&format!("mutation {{ __typename {most} }}")), None);
        assert_eq!(refused(&format!("mutation {{ {most} more: deleteCreation(number: 1) }}")), Some(over.clone()));
        let hidden = format!("mutation {{ ...a ... {{ ...a }} }} fragment a on Mutation {{ {most} }}");
        assert_eq!(refused(&hidden), Some(over));
        let listen = |i| format!("s{i}: walletUpdates {{ type }}");
        assert_eq!(refused(&format!("subscription {{ {} }}", repeated(1, listen))), None);
        let twice = refused(&format!("subscription {{ {} }}", repeated(2, listen)));
        assert_eq!(twice.as_deref(), Some("A document holds at most 1 subscription."));
    }
}
