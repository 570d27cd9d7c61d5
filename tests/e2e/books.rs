//! What every journey ends with: the books, looked at from outside.

use crate::site::Site;

/// `audit verify` finds nothing.
pub async fn assert_in_order(site: &Site) {
    let verified = site.run("audit verify").await;
    assert!(verified.good().ends_with("nothing differs\n"), "{}", verified.out);
}
