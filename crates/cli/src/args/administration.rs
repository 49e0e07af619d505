//! Commands about who belongs where and who may read: keys, enrollments, roles, the audit log.

use std::path::PathBuf;

use access::{KeyHolder, Role, RoleError};
use clap::{Args, Subcommand};
use ledger::{EnrollmentId, Scope, SubscriptionId};

use super::DataFolder;
use crate::instant::TakenAt;

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key; it is shown once
    Create(KeyCreateArgs),
    /// List the keys, without their secrets
    List(KeyListArgs),
    /// Replace a key: a new one for the same holder is shown, the old one ends at once
    Rotate(KeyIdArgs),
    /// Revoke a key at once
    Revoke(KeyIdArgs),
}

/// A scope of an enrollment and a role on it.
#[derive(Debug, Args, Clone)]
pub(crate) struct HolderArgs {
    /// Enrollment number
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Only this department of it; lazurite status shows the ids
    #[arg(long, value_name = "ID", group = "part")]
    pub(crate) department: Option<String>,
    /// Only this enrollment account of it
    #[arg(long, value_name = "ID", group = "part")]
    pub(crate) account: Option<String>,
    /// Only this subscription of it
    #[arg(long, value_parser = SubscriptionId::parse, value_name = "GUID", group = "part")]
    pub(crate) subscription: Option<SubscriptionId>,
    /// EnterpriseAdministrator, EnterpriseReader, EnterprisePurchaser, DepartmentAdministrator, DepartmentReader,
    /// AccountOwner, Owner, Contributor, Reader, CostManagementContributor or CostManagementReader [default: the one that
    /// may only read]
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<Role>,
}

impl HolderArgs {
    pub(crate) fn holder(&self) -> Result<KeyHolder, String> {
        let enrollment = self.enrollment.clone();
        let part = |kind: &str, id: &String| {
            let scope = Scope::parse(&format!("billingAccounts/{enrollment}/{kind}/{id}"));
            scope.map_err(|_| format!("{id:?} is not an id; lazurite status shows the ids"))
        };
        let scope = match (&self.department, &self.account, self.subscription) {
            (Some(id), _, _) => part("departments", id)?,
            (_, Some(id), _) => part("enrollmentAccounts", id)?,
            (_, _, Some(id)) => Scope::Subscription(id),
            _ => Scope::BillingAccount(enrollment.clone()),
        };
        let role = self.role.or(Role::least_of(&scope)).ok_or("there is no role on this scope")?;
        role.check(&scope).map_err(|error: RoleError| error.to_string())?;
        Ok(KeyHolder { enrollment, scope, role })
    }
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentArgs {
    #[command(subcommand)]
    pub(crate) command: EnrollmentCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrollmentCommand {
    /// Show departments, accounts and subscriptions with their ids, and the policies
    Show(EnrollmentShowArgs),
    /// Say which id a department or account has in rows that carry only its name
    Map(EnrollmentMapArgs),
    /// Show or change who sees charges
    Policy(EnrollmentPolicyArgs),
    /// Replace what is stated of the hierarchy by a file (TOML or JSON): departments, accounts, subscriptions, and since
    /// when each belongs to which
    Apply(EnrollmentApplyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentShowArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number [default: all]
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentMapArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Name of a department as rows have it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["account", "owner"], required_unless_present_any = ["account", "owner"])]
    pub(crate) department: Option<String>,
    /// Name of an enrollment account as rows have it
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Owner of the account as rows have it
    #[arg(long, value_name = "EMAIL")]
    pub(crate) owner: Option<String>,
    /// The id
    #[arg(long, value_name = "ID", required_unless_present = "remove")]
    pub(crate) id: Option<String>,
    /// Take the mapping back
    #[arg(long, conflicts_with = "id")]
    pub(crate) remove: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentPolicyArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Enrollment number
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: EnrollmentId,
    /// Whether department administrators see charges
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub(crate) da_view_charges: Option<Switch>,
    /// Whether account owners and users of subscriptions see charges
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub(crate) ao_view_charges: Option<Switch>,
    /// Whether the partner of an indirect enrollment keeps its prices to itself; then nobody sees charges
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    pub(crate) price_hidden: Option<Switch>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EnrollmentApplyArgs {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Check the file, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    #[command(subcommand)]
    pub(crate) command: AccessCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Grant a role
    Grant(AccessGrantArgs),
    /// List the granted roles
    List(AccessListArgs),
    /// Take a granted role back
    Revoke(AccessRevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AccessGrantArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Issuer of the tokens, exactly as they name it; the server's configuration must name it too
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: String,
    /// Subject of the tokens
    #[arg(long, value_name = "ID", conflicts_with = "group", required_unless_present = "group")]
    pub(crate) subject: Option<String>,
    /// Group that the tokens name
    #[arg(long, value_name = "ID")]
    pub(crate) group: Option<String>,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessListArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessRevokeArgs {
    /// Id of the granted role
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Only entries about this enrollment
    #[arg(long, value_parser = EnrollmentId::parse, value_name = "NUMBER")]
    pub(crate) enrollment: Option<EnrollmentId>,
    /// Only entries from this instant or day on
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<TakenAt>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    #[command(flatten)]
    pub(crate) holder: HolderArgs,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyListArgs {
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KeyIdArgs {
    /// Id of the key
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
