// Opens the camera once for each attempt, and tells the server whether the browser gave it.

const PATIENCE = 30_000; // ms for which an opened camera waits for its use

export default function ({ data, parentElement: place, setStateValue }) {
  if (data.attempt && place.attempt !== data.attempt) {
    place.attempt = data.attempt;
    open(place).then((name) => {
      if (place.attempt === data.attempt) setStateValue("answer", { attempt: data.attempt, name });
    });
  }
  if (data.inUse) close(place);
  // Also called when newer data came: then the place is still in use.
  return () => setTimeout(() => place.isConnected || close(place));
}

async function open(place) {
  close(place);
  // Plain http from another machine: there the browser has no camera to give.
  if (!navigator.mediaDevices?.getUserMedia) return "InsecureContext";
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    place.stream = stream;
    setTimeout(() => place.stream === stream && close(place), PATIENCE);
    return "granted";
  } catch (error) {
    return error.name;
  }
}

function close(place) {
  place.stream?.getTracks().forEach((track) => track.stop());
  place.stream = null;
}
