//! Laws that hold whatever is asked in whatever order: tried on random histories.
//!
//! * [`wallet`]: credits are conserved and never negative, expired lots are never spent, lots are
//!   spent in order.
//! * [`payments`]: payments, refunds, chargebacks and bonuses, from the log alone.
//! * [`together`]: the real use cases over run, wallet, batch and creations, on [`world::World`]: a
//!   hold resolves once, saying anything twice changes nothing, a replay equals the live state.

mod acts;
mod payments;
mod replay;
mod together;
mod wallet;
mod world;
