// A secret in the URL's fragment goes into the field that waits for it, and out of the address bar and the history.
(() => {
  const field = document.querySelector("[data-fragment] input");
  if (field && location.hash.length > 1) {
    field.value = decodeURIComponent(location.hash.slice(1));
    field.closest(".field").hidden = true;
    history.replaceState(null, "", location.pathname + location.search);
  }
})();
