// Passkeys need a script. Without one, the part of the page that is about them stays hidden.
const part = document.getElementById("with-a-passkey");
if (part && window.PublicKeyCredential) part.hidden = false;
document.addEventListener("allauth.error", () => {
  const problem = document.getElementById("passkey-problem");
  if (problem) problem.hidden = false;
});
