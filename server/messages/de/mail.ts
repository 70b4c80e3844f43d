/** E-Mail: `mail.{template}.subject`, `.text`, `.note`, und `.action`, wo es einen Link gibt. */
import type { Message } from "../catalogue.ts";
import type { mail as english } from "../en/mail.ts";

export const mail: Readonly<Record<keyof typeof english, Message>> = {
  "mail.greeting": "Guten Tag,",
  "mail.footer": "Diese Nachricht hat {name} an {email} geschickt. Antworten darauf liest niemand.",

  "mail.verify_email.subject": "Bestätigen Sie Ihre E-Mail-Adresse",
  "mail.verify_email.text":
    "Jemand, hoffentlich Sie, hat bei {name} ein Konto mit dieser Adresse angelegt. Bitte bestätigen Sie, dass sie Ihnen gehört.",
  "mail.verify_email.action": "Adresse bestätigen",
  "mail.verify_email.note":
    "Der Link gilt einmal. Wenn Sie es nicht waren, tun Sie nichts: Ohne ihn kann das Konto nicht benutzt werden.",

  "mail.reset_password.subject": "Wählen Sie ein neues Passwort",
  "mail.reset_password.text": "Jemand hat für Ihr Konto bei {name} ein neues Passwort angefordert.",
  "mail.reset_password.action": "Neues Passwort wählen",
  "mail.reset_password.note":
    "Der Link gilt einmal und nicht lange. Wenn Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.",

  "mail.invitation.subject": "{inviter} lädt Sie zu {tenant} ein",
  "mail.invitation.text": "{inviter} lädt Sie ein, Mitglied von {tenant} zu werden.",
  "mail.invitation.action": "Einladung annehmen",
  "mail.invitation.note": "Der Link gilt einmal, sieben Tage lang. Wenn Sie den Absender nicht kennen, tun Sie nichts.",

  "mail.account_exists.subject": "Sie haben schon ein Konto",
  "mail.account_exists.text":
    "Jemand, vielleicht Sie, wollte bei {name} ein Konto mit dieser Adresse anlegen. Es gibt schon eines: Melden Sie sich einfach an.",
  "mail.account_exists.action": "Anmelden",
  "mail.account_exists.note":
    "Passwort vergessen? Die Anmeldeseite schickt Ihnen einen Link für ein neues. Wenn Sie es nicht waren, tun Sie nichts.",

  "mail.password_changed.subject": "Ihr Passwort wurde geändert",
  "mail.password_changed.text":
    "Das Passwort Ihres Kontos bei {name} wurde geändert, und alle anderen Sitzungen wurden beendet.",
  "mail.password_changed.note":
    "Wenn Sie es nicht waren, wählen Sie sofort über „Passwort vergessen“ auf der Anmeldeseite ein neues, und sagen Sie Ihrer Verwaltung Bescheid.",

  "mail.password_reset.subject": "Ihr Passwort wurde neu gesetzt",
  "mail.password_reset.text":
    "Das Passwort Ihres Kontos bei {name} wurde über einen Link neu gesetzt, den wir Ihnen geschickt haben. Alle Sitzungen wurden beendet und alle Ihre API-Token widerrufen: Programme, die eines benutzten, brauchen ein neues.",
  "mail.password_reset.note":
    "Wenn Sie es nicht waren, liest jemand Ihre Post: Sichern Sie zuerst Ihr Postfach, wählen Sie dann über „Passwort vergessen“ auf der Anmeldeseite ein neues Passwort, und sagen Sie Ihrer Verwaltung Bescheid.",

  "mail.new_sign_in.subject": "Neue Anmeldung bei Ihrem Konto",
  "mail.new_sign_in.text":
    "Jemand hat sich bei Ihrem Konto bei {name} mit einem Browser angemeldet, den wir noch nicht kennen: {device}, von {address}, am {time}.",
  "mail.new_sign_in.note":
    "Wenn Sie es nicht waren, beenden Sie die Sitzung auf Ihrer Kontoseite, wählen Sie ein neues Passwort, und sagen Sie Ihrer Verwaltung Bescheid.",

  "mail.second_factor_changed.subject": "Ihre Anmeldung hat sich geändert",
  "mail.second_factor_changed.text": "Bei Ihrem Konto bei {name}: {change}.",
  "mail.second_factor_changed.note":
    "Wenn Sie es nicht waren, wählen Sie sofort ein neues Passwort, sehen Sie die Passkeys und Authentifizierungs-Apps Ihres Kontos durch, und sagen Sie Ihrer Verwaltung Bescheid.",

  "mail.change.totp_added": "Eine Authentifizierungs-App wurde hinzugefügt",
  "mail.change.totp_removed": "Eine Authentifizierungs-App wurde entfernt",
  "mail.change.passkey_added": "Ein Passkey wurde hinzugefügt",
  "mail.change.passkey_removed": "Ein Passkey wurde entfernt",
  "mail.change.recovery_codes_renewed": "Es gibt neue Wiederherstellungscodes, die alten gelten nicht mehr",
  "mail.change.recovery_code_used": "Zur Anmeldung wurde ein Wiederherstellungscode benutzt",
  "mail.change.reset_by_administrator": "Die Verwaltung hat Ihre zweiten Faktoren entfernt",

  "mail.change_email.subject": "Bestätigen Sie Ihre neue E-Mail-Adresse",
  "mail.change_email.text":
    "Sie möchten diese Adresse für Ihr Konto bei {name} verwenden. Bitte bestätigen Sie, dass sie Ihnen gehört.",
  "mail.change_email.action": "Diese Adresse verwenden",
  "mail.change_email.note":
    "Der Link gilt einmal und nicht lange. In einem anderen Browser melden Sie sich zuerst an, mit der bisherigen Adresse. Wenn Sie es nicht waren, tun Sie nichts: Es ändert sich nichts.",

  "mail.email_changed.subject": "Ihre E-Mail-Adresse wurde geändert",
  "mail.email_changed.text":
    "Ihr Konto bei {name} hat jetzt die Adresse {new_email}. Ab sofort melden Sie sich mit ihr an.",
  "mail.email_changed.note": "Wenn Sie es nicht waren, sagen Sie sofort Ihrer Verwaltung Bescheid.",
};
