// Opens the camera once per attempt, and reports to the server whether the browser allowed it.

const PATIENCE = 30_000; // ms that an opened camera waits for the stream

export default function ({ data, parentElement: place, setStateValue }) {
  if (data.attempt && place.attempt !== data.attempt) {
    place.attempt = data.attempt;
    open(place).then((name) => {
      if (place.attempt === data.attempt) setStateValue("answer", { attempt: data.attempt, name });
    });
  }
  if (data.inUse) close(place);
  // Also called before an update with new data, when the element stays connected.
  return () => setTimeout(() => place.isConnected || close(place));
}

async function open(place) {
  close(place);
  // Over plain http from another machine, browsers have no mediaDevices.
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
