// Says one sentence to people who cannot see the page. The page has one such place: role=status.
export function say(sentence) {
  const place = document.getElementById("said");
  if (place) place.textContent = sentence;
}
