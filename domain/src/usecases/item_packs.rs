//! What a batch seals: its items' inputs and what was judged of them, many to a text. Ten thousand rows in
//! the append that accepts a batch would hold everybody's writing up.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::batch_items::PlannedItem;
use super::core::{Core, breathe};
use super::refusal::Refusal;
use super::run_view::open_json;
use crate::es::SealedText;
use crate::ids::{AccountId, SealedId};
use crate::run::Inputs;

/// How many items one text holds at most.
const PACK_ITEMS_MAX: usize = 100;
/// A text that has grown to so many bytes takes no further item: whoever opens one item opens them all.
const PACK_BYTES_FULL: usize = 64 * 1_024;
/// How many texts are opened with one look at the vault.
const OPENED_TOGETHER: usize = 8;

/// An item as it was asked for and judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct JudgedItem {
    pub inputs: Inputs,
    pub plan: PlannedItem,
}

/// A sealed text: items by their index, and the plans that they share.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pack {
    plans: Vec<PlannedItem>,
    items: BTreeMap<u32, PackedItem>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PackedItem {
    #[serde(flatten)]
    inputs: Inputs,
    /// Which of the plans.
    plan: usize,
}

/// A text of before there were packs: one item.
#[derive(Deserialize)]
struct SingleItem {
    #[serde(flatten)]
    inputs: Inputs,
    item: PlannedItem,
}

/// A text, as any release wrote it.
enum Text {
    Pack(Pack),
    Single(Box<SingleItem>),
}

impl Pack {
    /// Adds an item. Returns about how many bytes it takes.
    fn add(&mut self, index: u32, item: &JudgedItem) -> usize {
        let plan = self.plans.iter().position(|plan| *plan == item.plan).unwrap_or_else(|| {
            self.plans.push(item.plan.clone());
            self.plans.len() - 1
        });
        let item = PackedItem { inputs: item.inputs.clone(), plan };
        let bytes = serde_json::to_vec(&item).map_or(0, |text| text.len());
        self.items.insert(index, item);
        bytes
    }
}

impl Text {
    fn read(value: serde_json::Value) -> Option<Self> {
        match value.get("plans") {
            Some(_) => serde_json::from_value(value).ok().map(Text::Pack),
            None => serde_json::from_value(value).ok().map(|single| Text::Single(Box::new(single))),
        }
    }

    fn take(&mut self, index: u32) -> Option<JudgedItem> {
        match self {
            Text::Pack(pack) => {
                let PackedItem { inputs, plan } = pack.items.remove(&index)?;
                Some(JudgedItem { inputs, plan: pack.plans.get(plan)?.clone() })
            }
            Text::Single(single) => Some(JudgedItem { inputs: single.inputs.clone(), plan: single.item.clone() }),
        }
    }
}

/// The items of a batch, sealed.
#[derive(Debug, Default)]
pub(super) struct SealedItems {
    /// For each item, the text that holds it.
    pub items: Vec<SealedId>,
    /// The texts.
    pub texts: Vec<SealedText>,
}

impl Core {
    /// Seals a batch's items, in order.
    pub(super) async fn seal_items(&self, account: AccountId, items: &[JudgedItem]) -> Result<SealedItems, Refusal> {
        let mut sealed = SealedItems::default();
        let (mut pack, mut bytes) = (Pack::default(), 0);
        for (index, item) in (0u32..).zip(items) {
            bytes += pack.add(index, item);
            let last = sealed.items.len() + pack.items.len() == items.len();
            if last || pack.items.len() >= PACK_ITEMS_MAX || bytes >= PACK_BYTES_FULL {
                breathe().await;
                let id = SealedId(self.new_id(account.shard()));
                let text = serde_json::to_vec(&pack).unwrap_or_default();
                sealed.items.resize(sealed.items.len() + pack.items.len(), id);
                sealed.texts.push(self.vault.seal(account.0, id, &text).await?);
                (pack, bytes) = (Pack::default(), 0);
            }
        }
        Ok(sealed)
    }

    /// Opens items, each named by its text and its index. Absent from the answer: those whose owner was
    /// erased.
    pub(super) async fn open_judged(&self, items: &[(SealedId, u32)]) -> Result<HashMap<u32, JudgedItem>, Refusal> {
        let mut wanted: BTreeMap<SealedId, Vec<u32>> = BTreeMap::new();
        for (text, index) in items {
            wanted.entry(*text).or_default().push(*index);
        }
        let texts: Vec<SealedId> = wanted.keys().copied().collect();
        let mut judged = HashMap::with_capacity(items.len());
        for part in texts.chunks(OPENED_TOGETHER) {
            breathe().await;
            for (id, value) in open_json(&*self.vault, part.to_vec()).await? {
                let Some(mut text) = Text::read(value) else { continue };
                let indexes = wanted.get(&id).into_iter().flatten();
                judged.extend(indexes.filter_map(|index| Some((*index, text.take(*index)?))));
            }
        }
        Ok(judged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(model: &str) -> serde_json::Value {
        json!({
            "parameters": {"model": model, "dialect": "genfire", "capability": "image_generation",
                "media_type": "img", "mode": "text_to_output", "count": 1, "prompt_chars": 6},
            "quote": {"amount": "3", "exact": "3", "per_output": "3", "outputs": 1, "lines": [],
                "price_book": "2026-01", "rounding": "whole_credits"},
            "provider": "sandbox", "provider_model": model, "model_alias": model, "private": false,
            "route": "POST /v1/batches", "operation": "images.generations.create",
        })
    }

    /// Texts outlive the release that sealed them: these forms are read for ever.
    #[test]
    fn packs_and_single_items_of_before_are_read() {
        let pack = json!({"plans": [plan("a"), plan("b")], "items": {
            "7": {"prompt": "A vase", "plan": 1}, "8": {"prompt": "A cup", "plan": 0}}});
        let mut pack = Text::read(pack).unwrap();
        let vase = pack.take(7).unwrap();
        assert_eq!((vase.inputs.prompt.as_str(), vase.plan), ("A vase", serde_json::from_value(plan("b")).unwrap()));
        assert_eq!((pack.take(7), pack.take(9)), (None, None));
        let single = json!({"prompt": "A vase", "item": plan("a")});
        let single = Text::read(single).unwrap().take(3).unwrap();
        assert_eq!(
            (single.inputs.prompt.as_str(), single.plan),
            ("A vase", serde_json::from_value(plan("a")).unwrap())
        );
    }

    #[test]
    fn a_pack_keeps_equal_plans_once_and_gives_each_item_back() {
        let item = |prompt: &str, model: &str| JudgedItem {
            inputs: Inputs { prompt: prompt.to_owned(), ..Inputs::default() },
            plan: serde_json::from_value(plan(model)).unwrap(),
        };
        let items = [item("A vase", "a"), item("A cup", "b"), item("A jug", "a")];
        let mut pack = Pack::default();
        for (index, item) in (10..).zip(&items) {
            assert!(pack.add(index, item) > 10);
        }
        assert_eq!(pack.plans.len(), 2);
        let mut text = Text::read(serde_json::to_value(&pack).unwrap()).unwrap();
        assert_eq!([10, 11, 12].map(|index| text.take(index).unwrap()), items);
    }
}
