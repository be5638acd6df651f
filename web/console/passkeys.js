// The one script of the console: it has the browser ask for a passkey, and puts what is shown into the form, which goes its way as all others do.
"use strict";

// Of what a browser says of a passkey, the members that the API takes.
const taken = {
  get: ["clientDataJSON", "authenticatorData", "signature", "userHandle"],
  create: ["clientDataJSON", "attestationObject", "transports"],
};

async function begin(form) {
  const names = (form.dataset.send || "").split(" ").filter(Boolean);
  const request = { method: "POST", credentials: "same-origin" };
  if (names.length > 0) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(Object.fromEntries(names.map((name) => [name, form.elements[name].value])));
  }
  const answer = await fetch(form.dataset.begin, request);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said.options;
}

async function shown(form) {
  const kind = form.dataset.passkey;
  const options = await begin(form);
  const credential = kind === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  const { id, rawId, type, authenticatorAttachment, response } = credential.toJSON();
  const kept = taken[kind].filter((name) => response[name] !== undefined && response[name] !== null && response[name] !== "");
  return JSON.stringify({ id, rawId, type, authenticatorAttachment, response: Object.fromEntries(kept.map((name) => [name, response[name]])) });
}

function sayProblem(form, error) {
  const place = form.parentElement.querySelector("[data-problem]");
  const text = error.name === "NotAllowedError" ? "No passkey was shown: it was cancelled, took too long, or there is none here." : "No passkey was shown: " + error.message;
  place.querySelector("strong").textContent = text;
  place.hidden = false;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      form.elements.credential.value = await shown(form);
      form.submit();
    } catch (error) {
      sayProblem(form, error);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

// An invitation's token stands behind the #, which no server is sent, and does not stay in the address.
const invitation = document.querySelector("[data-invitation] input[name=invitation]");
if (invitation && location.hash.length > 1) {
  invitation.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
