/** The panel beside the editor: the sign-in form, or who is signed in, for how long, and where else. */
import { useEvents } from "./following.js";
import { SignedIn } from "./signed-in.jsx";
import { SignInForm } from "./sign-in-form.jsx";

/**
 * A GraphiQL plugin. Its title is what the button in the side bar is called, so it must not change with the session. The form takes the focus
 * where a sign-out has replaced all that was there, with whatever had it.
 */
export function passPlugin(session, desk, { takesFocus }) {
  return { title: "Sign-in", icon: PassIcon, content: () => <Pass session={session} desk={desk} takesFocus={takesFocus} /> };
}

function Pass({ session, desk, takesFocus }) {
  useEvents(session, "change");
  return (
    <section className="pass" aria-label="Your pass">
      {session.phase === "out" ? <SignInForm session={session} desk={desk} takesFocus={takesFocus} /> : <SignedIn session={session} desk={desk} />}
      {!isSecureContext && <p className="warning">This page did not come over HTTPS: others on the network can read the password and the tokens.</p>}
      <p className="small"><a href="?plain">The plain page</a> does the same with less. <a href={document.body.dataset.notices}>Third-party software</a></p>
    </section>
  );
}

function PassIcon(props) {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round" {...props}>
      <path d="M4 6.5h16v3.6a2 2 0 0 0 0 3.8v3.6H4v-3.6a2 2 0 0 0 0-3.8z" /><path d="M9 7v10" strokeDasharray="2 2" />
    </svg>
  );
}
