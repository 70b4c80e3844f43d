/** Anmelden, und alles, was dorthin führt. */
import type { Message } from "../catalogue.ts";
import type { pages as english } from "../en/pages.ts";

export const pages: Readonly<Record<keyof typeof english, Message>> = {
  "page.skip": "Zum Inhalt springen",
  "page.continue": "Weiter",
  "page.back": "Zurück",
  "page.cancel": "Abbrechen",
  "page.or": "oder",
  "page.signed_in_as": "Angemeldet als {email}.",
  "page.sign_out": "Abmelden",
  "page.not_you": "Nicht Sie?",

  "problem.email": "Geben Sie eine E-Mail-Adresse ein, etwa name@beispiel.de.",
  "problem.display_name": "Geben Sie den Namen ein, den andere sehen, mit höchstens 200 Zeichen.",
  "problem.required": "Bitte ausfüllen.",
  "problem.form_stale":
    "Diese Seite war zu lange oder in einem anderen Fenster offen. Es wurde nichts geändert; bitte versuchen Sie es noch einmal.",
  "problem.too_many": "Zu viele Versuche. Warten Sie etwas, und versuchen Sie es dann noch einmal.",
  "problem.too_many_minutes": {
    one: "Zu viele Versuche. In {count} Minute geht es wieder.",
    other: "Zu viele Versuche. In {count} Minuten geht es wieder.",
  },
  "problem.unavailable": "Wir können gerade nicht antworten. Bitte versuchen Sie es gleich noch einmal.",
  "problem.general": "Das hat nicht geklappt. Bitte prüfen Sie Ihre Eingaben.",

  "password.wrong": "Wählen Sie ein anderes Passwort.",
  "password.too_short": {
    one: "Zu kurz: Nehmen Sie mindestens {count} Zeichen.",
    other: "Zu kurz: Nehmen Sie mindestens {count} Zeichen.",
  },
  "password.too_long": "Zu lang: Das könnte niemand noch einmal tippen.",
  "password.not_text": "Darin ist ein Zeichen, das keine Tastatur schreibt.",
  "password.common": "Das ist eines der Passwörter, die zuerst geraten werden. Wählen Sie ein anderes.",
  "password.about_you":
    "Das ist kaum mehr als Ihr Name, Ihre Adresse oder der Name dieses Dienstes. Wählen Sie ein anderes.",
  "email.wrong": "Diese Adresse geht hier nicht.",
  "display_name.wrong": "Dieser Name geht hier nicht.",

  "sign_in.title": "Anmelden",
  "sign_in.lead_application": "weiter zu {application}",
  "sign_in.lead": "bei Ihrem Konto",
  "sign_in.email": "E-Mail-Adresse",
  "sign_in.passkey": "Mit Passkey anmelden",
  "sign_in.passkey_failed":
    "Der Passkey wurde nicht angenommen. Versuchen Sie es noch einmal, oder melden Sie sich mit Ihrem Passwort an.",
  "sign_in.no_account": "Noch kein Konto?",
  "sign_in.register": "Konto anlegen",
  "sign_in.password_title": "Passwort eingeben",
  "sign_in.password": "Passwort",
  "sign_in.change_email": "Andere Adresse verwenden",
  "sign_in.change_account": "Anderes Konto verwenden",
  "sign_in.forgot": "Passwort vergessen?",
  "sign_in.wrong": "Adresse und Passwort gehören zu keinem Konto, das sich hier anmelden kann.",
  "sign_in.again": "Bitte bestätigen Sie, dass Sie es sind.",
  "sign_in.again_application": "Bitte bestätigen Sie, dass Sie es sind. Dann geht es weiter zu {application}.",

  "second_factor.title": "Bestätigen Sie, dass Sie es sind",
  "second_factor.lead": "Geben Sie die sechs Ziffern aus Ihrer Authentifizierungs-App ein.",
  "second_factor.code": "Code",
  "second_factor.remember": "Auf diesem Gerät nicht mehr fragen",
  "second_factor.remember_days": {
    one: "Für {count} Tag. Lassen Sie es aus, wenn andere das Gerät mitbenutzen.",
    other: "Für {count} Tage. Lassen Sie es aus, wenn andere das Gerät mitbenutzen.",
  },
  "second_factor.use_recovery": "Stattdessen einen Wiederherstellungscode verwenden",
  "second_factor.use_totp": "Stattdessen die Authentifizierungs-App verwenden",
  "second_factor.use_passkey": "Stattdessen einen Passkey verwenden",
  "second_factor.recovery_lead": "Geben Sie einen der Codes ein, die Sie aufbewahrt haben. Jeder gilt einmal.",
  "second_factor.recovery_code": "Wiederherstellungscode",
  "second_factor.wrong":
    "Dieser Code stimmt nicht oder wurde schon benutzt. Warten Sie auf den nächsten, und versuchen Sie es noch einmal.",
  "second_factor.wrong_recovery": "Dieser Code stimmt nicht oder wurde schon benutzt.",
  "second_factor.nothing_left":
    "Gerät und Codes verloren? Die Administratoren Ihrer Organisation können Ihre zweiten Faktoren zurücksetzen.",

  "enrol.title": "Zweiten Schritt einrichten",
  "enrol.totp_name": "Authentifizierungs-App",
  "enrol.passkey_name": "Passkey",
  "enrol.lead":
    "{tenant} verlangt mehr als ein Passwort. Mit einer Authentifizierungs-App bleibt das Konto Ihres, auch wenn das Passwort bekannt wird.",
  "enrol.step_scan": "Scannen Sie das mit Ihrer Authentifizierungs-App",
  "enrol.qr": "QR-Code für Ihre Authentifizierungs-App",
  "enrol.manual": "Geht das nicht? Dann geben Sie diesen Schlüssel ein",
  "enrol.step_confirm": "Geben Sie die sechs Ziffern ein, die sie zeigt",
  "enrol.wrong": "Dieser Code stimmt nicht. Prüfen Sie die Uhrzeit Ihres Geräts, und geben Sie den nächsten ein.",
  "enrol.passkey_lead": "Oder nehmen Sie einen Passkey: Fingerabdruck, Gesicht oder Geräte-PIN statt eines Codes.",
  "enrol.passkey": "Stattdessen einen Passkey hinzufügen",
  "enrol.passkey_failed":
    "Der Passkey konnte nicht hinzugefügt werden. Versuchen Sie es noch einmal, oder nehmen Sie eine Authentifizierungs-App.",
  "enrol.codes_title": "Bewahren Sie diese Codes auf",
  "enrol.codes_lead":
    "Wenn Sie Ihr Gerät verlieren, lässt jeder davon Sie einmal hinein. Sie werden nur jetzt gezeigt: Drucken Sie sie, oder legen Sie sie in Ihren Passwortmanager.",
  "enrol.codes_kept": "Ich habe sie aufbewahrt",

  "register.title": "Konto anlegen",
  "register.lead": "bei {tenant}",
  "register.display_name": "Ihr Name",
  "register.password": "Passwort wählen",
  "register.password_hint": {
    one: "Mindestens {count} Zeichen. Mehrere Wörter sind ein gutes.",
    other: "Mindestens {count} Zeichen. Mehrere Wörter sind ein gutes.",
  },
  "register.submit": "Konto anlegen",
  "register.have_account": "Schon ein Konto?",
  "register.closed_title": "Keine Registrierung",
  "register.closed":
    "Bei {tenant} kann man sich nicht selbst registrieren. Bitten Sie die Administratoren um eine Einladung.",
  "register.not_admitted": "Hier können sich nur Adressen der eigenen Domains dieser Organisation registrieren.",
  "register.sent_title": "Sehen Sie in Ihre E-Mail",
  "register.sent": "Wir haben eine Nachricht an {email} geschickt. Öffnen Sie den Link darin, um fertig zu werden.",
  "register.sent_hint": "Nach einigen Minuten nichts da? Sehen Sie im Spam-Ordner nach, oder beginnen Sie neu.",

  "verify.title": "Adresse bestätigen",
  "verify.lead": "Geben Sie das Passwort ein, das Sie gewählt haben, und Ihre Adresse ist bestätigt.",
  "verify.forgot": "Vergessen?",
  "verify.again": "Noch einmal registrieren",
  "verify.wrong": "Das ist nicht das Passwort, das Sie bei der Registrierung gewählt haben.",
  "verify.submit": "Bestätigen und anmelden",

  "forgot.title": "Passwort vergessen?",
  "forgot.lead": "Nennen Sie uns Ihre Adresse, und wir schicken Ihnen einen Link, mit dem Sie ein neues wählen.",
  "forgot.submit": "Link schicken",
  "forgot.sent_title": "Sehen Sie in Ihre E-Mail",
  "forgot.sent":
    "Wenn es ein Konto für {email} gibt, ist ein Link dorthin unterwegs. Er gilt einmal und nur kurze Zeit.",

  "reset.title": "Neues Passwort wählen",
  "reset.lead": "Überall sonst werden Sie abgemeldet.",
  "reset.password": "Neues Passwort",
  "reset.submit": "Passwort speichern",
  "reset.done_title": "Ihr Passwort ist geändert",
  "reset.done": "Alle anderen Sitzungen wurden beendet. Melden Sie sich mit dem neuen Passwort an.",

  "link.expired_title": "Dieser Link gilt nicht mehr",
  "link.expired": "Er wurde schon benutzt oder ist zu alt. Fordern Sie einen neuen an.",
  "link.sign_in": "Zur Anmeldung",

  "invitation.title": "Sie sind eingeladen",
  "invitation.lead": "{inviter} lädt Sie zu {tenant} ein.",
  "invitation.lead_plain": "Sie sind zu {tenant} eingeladen.",
  "invitation.new": "Wählen Sie, wie Sie sich anmelden.",
  "invitation.known": "Zu dieser Adresse gibt es schon ein Konto. Melden Sie sich damit an, und nehmen Sie dann an.",
  "invitation.accept": "Einladung annehmen",
  "invitation.accept_as": "Sie sind als {email} angemeldet. Mit der Annahme kommt {tenant} zu diesem Konto.",
  "invitation.sign_in": "Anmelden und annehmen",

  "setup.title": "Willkommen bei Countersign",
  "setup.lead": "Hier hat noch niemand ein Konto. Das erste verwaltet die ganze Installation.",
  "setup.key": "Einrichtungsschlüssel",
  "setup.key_hint":
    "Der Teil des Einrichtungslinks nach dem #. Den Link finden Sie im Protokoll des ersten Starts und in bootstrap.json.",
  "setup.submit": "Erstes Konto anlegen",
  "setup.expired":
    "Dieser Einrichtungsschlüssel gilt nicht: Er wurde schon benutzt, ist zu alt oder vertippt. `countersign bootstrap` gibt einen neuen Link aus.",

  "tenants.title": "Wohin möchten Sie?",
  "tenants.lead": "Sie gehören zu mehreren. {application} sieht nur, was Sie wählen.",
  "tenants.search": "Suchen",
  "tenants.search_submit": "Suchen",
  "tenants.none": "So heißt keine von Ihren.",
  "tenants.more": "Es gibt noch mehr. Suchen Sie danach.",
  "tenants.last_used": "Zuletzt benutzt {time}",
  "tenants.never_used": "Noch nicht benutzt",
  "tenants.nothing_title": "Kein Zugang",
  "tenants.nothing":
    "Ihr Konto gehört zu nichts, was {application} öffnen könnte. Bitten Sie die Administratoren um eine Einladung.",

  "device.title": "Gerät verbinden",
  "device.lead": "Geben Sie den Code ein, den Ihr Gerät zeigt.",
  "device.code": "Code",
  "device.wrong": "Mit diesem Code wartet kein Gerät. Prüfen Sie ihn, oder holen Sie am Gerät einen neuen.",
  "device.confirm_title": "Ist das Ihr Gerät?",
  "device.confirm_lead": "{application} möchte sich an einem Gerät anmelden, das diesen Code zeigt:",
  "device.confirm_hint":
    "Fahren Sie nur fort, wenn Sie das selbst begonnen haben und das Gerät vor Ihnen denselben Code zeigt. Niemand vom Support wird Sie je darum bitten.",
  "device.approve": "Ja, verbinden",
  "device.deny": "Nein, ablehnen",
  "device.no_tenant":
    "Ihr Konto gehört zu nichts, was dieses Gerät benutzen könnte. Bitten Sie die Administratoren um eine Einladung.",
  "device.approved_title": "Ihr Gerät ist verbunden",
  "device.approved": "Sie können diese Seite schließen und dort weitermachen.",
  "device.denied_title": "Abgelehnt",
  "device.denied": "Das Gerät bekommt keinen Zugang. Sie können diese Seite schließen.",

  "sign_out.title": "Abmelden?",
  "sign_out.lead": "Sie sind als {email} angemeldet.",
  "sign_out.submit": "Abmelden",
  "sign_out.stay": "Angemeldet bleiben",
  "signed_out.title": "Sie sind abgemeldet",
  "signed_out.lead": "In diesem Browser. Bis bald.",
  "signed_out.again": "Wieder anmelden",

  "error.request.title": "Diese Anfrage lässt sich nicht beantworten",
  "error.request.lead":
    "An der Adresse, die Sie hierher gebracht hat, stimmt etwas nicht. Gehen Sie zur Anwendung zurück, und beginnen Sie neu; geschieht es wieder, sagen Sie es denen, die sie betreiben.",
  "error.expired.title": "Das hat zu lange gedauert",
  "error.expired.lead":
    "Was Sie begonnen hatten, ist abgelaufen oder in einem anderen Fenster zu Ende gebracht. Gehen Sie zur Anwendung zurück, und beginnen Sie neu.",
  "error.missing.title": "Hier ist nichts",
  "error.missing.lead": "Prüfen Sie die Adresse, oder gehen Sie dorthin zurück, wo Sie herkamen.",
  "error.busy.title": "Zu viele Versuche",
  "error.busy.lead": "Warten Sie etwas, und versuchen Sie es dann noch einmal.",
  "error.broken.title": "Bei uns ist etwas kaputt",
  "error.broken.lead": "Es liegt nicht an Ihnen. Bitte versuchen Sie es gleich noch einmal.",
  "error.refused.title": "Das ist nicht erlaubt",
  "error.refused.lead":
    "Ihr Konto hat darauf keinen Zugriff. Fragen Sie die Administratoren, oder nehmen Sie ein anderes Konto.",
  "error.request_id": "Wenn Sie um Hilfe bitten, nennen Sie diese Nummer:",
};
