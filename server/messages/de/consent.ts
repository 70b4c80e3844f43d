/** Was eine Anwendung darf, in Worten. */
import type { Message } from "../catalogue.ts";
import type { consent as english } from "../en/consent.ts";

export const consent: Readonly<Record<keyof typeof english, Message>> = {
  "consent.title": "Zugriff erlauben?",
  "consent.lead": "{application} bittet um Zugriff auf Ihr Konto.",
  "consent.who": "Anwendung",
  "consent.host": "Kommt von",
  "consent.host_registered":
    "Diese Anwendung hat sich selbst registriert, und niemand hier hat sie geprüft. Erlauben Sie den Zugriff nur, wenn Sie sie gerade selbst gestartet haben und {host} vertrauen.",
  "consent.tenant": "Für",
  "consent.account": "Als",
  "consent.wants": "Sie kann dann",
  "consent.actor": "Handelt für Sie",
  "consent.actor_hint":
    "{actor} handelt in Ihrem Namen: mit höchstens Ihren Rechten, und alles wird unter beiden Namen festgehalten.",
  "consent.leave_out": "Nehmen Sie heraus, was Sie nicht erlauben möchten.",
  "consent.allow": "Erlauben",
  "consent.deny": "Nicht erlauben",
  "consent.policy": "Datenschutz",
  "consent.terms": "Nutzungsbedingungen",
  "consent.everything": "Alles tun, was Sie tun können",
  "consent.every_action": "Alles tun mit {resource}",
  "consent.permission": "{action}: {resource}",
  "consent.detail": "Im Einzelnen vereinbart: {type}",

  "scope.openid": "Wissen, dass Sie es sind",
  "scope.profile": "Ihren Namen und Ihre Sprache sehen",
  "scope.email": "Ihre E-Mail-Adresse sehen",
  "scope.offline_access": "Verbunden bleiben, während Sie weg sind",
  "scope.phone": "Ihre Telefonnummer sehen",
  "scope.address": "Ihre Anschrift sehen",

  "action.read": "Sehen",
  "action.list": "Sehen",
  "action.create": "Anlegen",
  "action.update": "Ändern",
  "action.delete": "Löschen",
  "action.manage": "Verwalten",
  "action.share": "Teilen",
  "action.approve": "Genehmigen",
  "action.cancel": "Abbrechen",
  "action.run": "Ausführen",
  "action.execute": "Ausführen",
  "action.invite": "Einladen",
  "action.revoke": "Entziehen",
};
