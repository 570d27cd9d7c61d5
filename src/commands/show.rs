//! What commands print for people.

use anyhow::Context;
use mintmark_domain::account::{Account, Scopes};
use mintmark_domain::ids::{AccountId, PaymentId, RunId};
use mintmark_domain::payment::Payment;
use mintmark_domain::run::Run;

use crate::compose::Platform;

/// An account, its balance and its keys.
pub async fn account(platform: &Platform, account: AccountId) -> anyhow::Result<()> {
    let view = platform.core.account_view(account).await?;
    let balance = platform.core.balance_of(account).await?;
    say!("account    {account}");
    say!("user id    {}", view.state.user_id().unwrap_or_default());
    say!("username   {}", view.profile.username);
    say!("email      {}", view.profile.email);
    say!("tier       {}", view.state.tier());
    if let Some(reason) = view.state.suspended() {
        say!("suspended  {reason}");
    }
    say!(
        "credits    {} available (paid {}, free {}, earned {}), {} held",
        balance.available,
        balance.paid,
        balance.free,
        balance.earned,
        balance.held
    );
    if balance.receivable.is_positive() {
        say!("owed       {} after chargebacks", balance.receivable);
    }
    keys(&view.state);
    clients(&view.state);
    Ok(())
}

fn in_words(scopes: &Scopes) -> String {
    let names = scopes.names();
    if names.is_empty() { "full access".to_owned() } else { names.join(" ") }
}

/// The active keys.
pub fn keys(account: &Account) {
    for (id, key) in account.keys() {
        say!("key {id:<6} {}…  {}  [{}]", key.prefix, key.name, in_words(&key.scopes));
    }
}

/// A payment: what it brought, what was taken back of it.
pub fn payment(id: PaymentId, payment: &Payment) {
    say!("payment    {id}");
    if let Some(wallet) = payment.wallet() {
        say!("wallet     {wallet}");
    }
    say!("credits    {}", payment.credits());
    if let Some((amount, currency)) = payment.paid() {
        say!("paid       {amount} {currency}");
    }
    for reversed in payment.reversed() {
        let money = reversed.paid_back.as_deref().zip(reversed.currency.as_deref());
        let money = money.map(|(amount, currency)| format!(", {amount} {currency}")).unwrap_or_default();
        let named = Some(&reversed.reference).filter(|name| !name.is_empty());
        let named = named.map(|name| format!(" [{name}]")).unwrap_or_default();
        say!("{:<11}{} credits{money}{named}", reversed.how.as_str(), reversed.credits);
    }
    say!("left       {}", payment.left());
}

/// The OAuth clients.
pub fn clients(account: &Account) {
    for (id, client) in account.clients() {
        say!("client     {id}  {}  [{}]", client.name, in_words(&client.scopes));
    }
}

/// A run: request, price, attempt, how the books were closed.
pub fn run(run_id: RunId, run: &Run) -> anyhow::Result<()> {
    let requested = run.requested().with_context(|| format!("there is no run {run_id}"))?;
    say!("run        {run_id}");
    say!("status     {}", run.status().as_str());
    say!("requested  {} through {} ({})", requested.at, requested.surface.as_str(), requested.route);
    say!("account    {}, key {}", requested.account, requested.key_id.map_or("none".into(), |id| id.to_string()));
    if let Some(client_id) = &requested.client_id {
        say!("client     {client_id}");
    }
    say!("payer      {}", requested.payer.wallet);
    say!("model      {} ({})", requested.parameters.model, requested.capability_shown());
    say!("price      {} under {}", requested.quote.amount, requested.quote.price_book);
    for line in &requested.quote.lines {
        say!("           {} × {} × {} = {}", line.quantity, line.unit_price, line.multiplier, line.amount);
    }
    if let Some(attempt) = run.attempt() {
        say!("attempt    {} at {} on {}, id {}", attempt.number, attempt.provider, attempt.node, attempt.client_id);
        if let Some(id) = &attempt.provider_request_id {
            say!("           provider's id {id}");
        }
    }
    if let Some(until) = run.unknown_until() {
        say!("unknown    until {until}, then it fails at no cost");
    }
    if let Some(reason) = run.failure() {
        say!("failure    {}: {}", reason.code, reason.message);
    }
    if let Some(ending) = run.ending() {
        say!("ended      {}, captured {} by the rule {}", ending.at, ending.captured, ending.rule.code());
        if let Some(cost) = &ending.reported_cost {
            say!("           the provider reports {} {}", cost.amount, cost.currency);
        }
    }
    if let Some(bill) = run.late_bill() {
        let (cost, rule) = (&bill.reported_cost, bill.rule.code());
        println!(
            "           the provider reports {} {} at {}, charged to nobody ({rule})",
            cost.amount, cost.currency, bill.at
        );
    }
    if run.refunded().is_positive() {
        say!("refunded   {}", run.refunded());
    }
    Ok(())
}
