// Opens Swagger UI on this server's own OpenAPI document, whatever path the page lies below.
"use strict";
const place = new URL("../../openapi.json", document.currentScript.src);
const refusal = () => /^#\d{3}$/.test(location.hash) && document.getElementById(location.hash.slice(1))?.scrollIntoView();

const dark = matchMedia("(prefers-color-scheme: dark)");
const shade = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
shade();
dark.addEventListener("change", shade);

// What Swagger UI leaves unnamed for screen readers, or out of the keyboard's reach where it scrolls.
const NAMES = {"button.close-modal": "Close", "#servers": "Server", "textarea": "Body of the request", "select": "Choice", "input": "Value"};
const box = document.getElementById("swagger-ui");
const name = () => {
  for (const [what, label] of Object.entries(NAMES)) {
    for (const field of box.querySelectorAll(`${what}:not([aria-label])`)) {
      if (what !== "input" || !field.labels.length) field.setAttribute("aria-label", field.placeholder || label);
    }
  }
  for (const block of box.querySelectorAll("pre:not([tabindex])")) block.tabIndex = 0;
};
new MutationObserver(name).observe(box, {childList: true, subtree: true});

SwaggerUIBundle({
  url: place.href,
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  validatorUrl: null,  // else the document's address would go to a server on the internet
  onComplete: refusal,
});
addEventListener("hashchange", refusal);
