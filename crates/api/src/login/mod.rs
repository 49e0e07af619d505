//! The login side (contract `clients.md`): cloud metadata, OpenID configurations and a token endpoint, so that clients
//! which insist on logging in do so here. An API key is the login: its id is the client id, the key the client secret.
//!
//! All of it but the tokens is public, and says nothing about what the store holds. A store has one tenant; any other
//! word stands for it, as a domain name does in Azure, so that a script keeps the tenant that it was written with.

mod configuration;
mod metadata;
mod tenant;
mod token;

pub(crate) use configuration::{configuration, keys};
pub(crate) use metadata::metadata;
pub(crate) use token::token;

/// Which generation of token endpoint a path belongs to. They differ in the names and types of few members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `oauth2/token`, with `resource`.
    V1,
    /// `oauth2/v2.0/token`, with `scope`.
    V2,
}
