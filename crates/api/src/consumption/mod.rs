//! The Consumption API (contract `consumption-api.md`).

mod balances;

pub(crate) use balances::balances;
