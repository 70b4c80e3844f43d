/** Mail: `mail.{template}.subject`, `.text`, `.note`, and `.action` where there is a link. `{name}` is the tenant's, or the deployment's. */
export const mail = {
  "mail.greeting": "Hello,",
  "mail.footer": "{name} sent this to {email}. Nobody reads replies to it.",

  "mail.verify_email.subject": "Confirm your e-mail address",
  "mail.verify_email.text":
    "Somebody, we hope you, made an account at {name} with this address. Please confirm that it is yours.",
  "mail.verify_email.action": "Confirm the address",
  "mail.verify_email.note": "The link works once. If it was not you, do nothing: without it the account can't be used.",

  "mail.reset_password.subject": "Choose a new password",
  "mail.reset_password.text": "Somebody asked for a new password for your account at {name}.",
  "mail.reset_password.action": "Choose a new password",
  "mail.reset_password.note":
    "The link works once, and not for long. If it was not you, do nothing: your password stays as it is.",

  "mail.invitation.subject": "{inviter} invites you to {tenant}",
  "mail.invitation.text": "{inviter} invites you to become a member of {tenant}.",
  "mail.invitation.action": "Accept the invitation",
  "mail.invitation.note": "The link works once, for seven days. If you do not know who this is from, do nothing.",

  "mail.account_exists.subject": "You have an account already",
  "mail.account_exists.text":
    "Somebody, perhaps you, tried to make an account at {name} with this address. There is one already: just sign in.",
  "mail.account_exists.action": "Sign in",
  "mail.account_exists.note":
    "Forgotten the password? The sign-in page sends you a link for a new one. If it was not you, do nothing.",

  "mail.password_changed.subject": "Your password was changed",
  "mail.password_changed.text":
    "The password of your account at {name} was changed, and every other session was signed out.",
  "mail.password_changed.note":
    "If it was not you, choose a new password at once with “Forgotten password” on the sign-in page, and tell your administrator.",

  "mail.password_reset.subject": "Your password was set anew",
  "mail.password_reset.text":
    "The password of your account at {name} was set anew by a link we mailed you. Every session was signed out, and every API token of yours was revoked: programs that used one need another.",
  "mail.password_reset.note":
    "If it was not you, somebody reads your mail: secure your mailbox first, then choose a new password with “Forgotten password” on the sign-in page, and tell your administrator.",

  "mail.new_sign_in.subject": "A new sign-in to your account",
  "mail.new_sign_in.text":
    "Somebody signed in to your account at {name} from a browser we have not seen before: {device}, from {address}, on {time}.",
  "mail.new_sign_in.note":
    "If it was not you, sign that session out on your account page, choose a new password, and tell your administrator.",

  "mail.second_factor_changed.subject": "How you sign in has changed",
  "mail.second_factor_changed.text": "On your account at {name}: {change}.",
  "mail.second_factor_changed.note":
    "If it was not you, choose a new password at once, look at your account's passkeys and authenticator apps, and tell your administrator.",

  "mail.change.totp_added": "an authenticator app was added",
  "mail.change.totp_removed": "an authenticator app was removed",
  "mail.change.passkey_added": "a passkey was added",
  "mail.change.passkey_removed": "a passkey was removed",
  "mail.change.recovery_codes_renewed": "new recovery codes were made, and the old ones work no more",
  "mail.change.recovery_code_used": "a recovery code was used to sign in",
  "mail.change.reset_by_administrator": "an administrator removed your second factors",

  "mail.change_email.subject": "Confirm your new e-mail address",
  "mail.change_email.text":
    "You asked to use this address for your account at {name}. Please confirm that it is yours.",
  "mail.change_email.action": "Use this address",
  "mail.change_email.note":
    "The link works once, and not for long. In another browser you sign in first, with the address you have had so far. If it was not you, do nothing: nothing changes.",

  "mail.email_changed.subject": "Your e-mail address was changed",
  "mail.email_changed.text": "Your account at {name} now has the address {new_email}. You sign in with it from now on.",
  "mail.email_changed.note": "If it was not you, tell your administrator at once.",
} as const;
