// Shows the part of the page about passkeys, which need JavaScript.
const part = document.getElementById("with-a-passkey");
if (part && window.PublicKeyCredential) part.hidden = false;
document.addEventListener("allauth.error", () => {
  const problem = document.getElementById("passkey-problem");
  if (problem) problem.hidden = false;
});
