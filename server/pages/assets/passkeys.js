// Forms with data-passkey ("get" or "create") ask the browser for a passkey before they are sent.
(() => {
  const webauthn = SimpleWebAuthnBrowser;
  if (!webauthn.browserSupportsWebAuthn()) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const { passkey, options, autofill } = form.dataset;
    const optionsJSON = JSON.parse(options);
    const begin = passkey === "create" ? webauthn.startRegistration : webauthn.startAuthentication;
    const send = (response) => {
      form.elements.response.value = JSON.stringify(response);
      form.submit();
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      begin({ optionsJSON }).then(send, (error) => {
        if (error.name !== "AbortError") form.querySelector("[data-failed]").hidden = false;
      });
    });
    if (autofill) begin({ optionsJSON, useBrowserAutofill: true }).then(send, () => {});
  }
})();
