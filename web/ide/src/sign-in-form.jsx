/** E-mail address and password, as password managers know them. */
import { useGraphiQL } from "@graphiql/react";
import { useEffect, useRef, useState } from "react";

export function SignInForm({ session, desk, takesFocus }) {
  const editor = useGraphiQL((state) => state.queryEditor);
  const name = useRef(null), password = useRef(null);
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const [isShown, setShown] = useState(false);
  useEffect(() => setProblem(session.farewell ? { message: session.farewell } : null), [session.farewell]);

  const signIn = async (event) => {
    event.preventDefault();
    // As plain text the browser could keep the password among its form entries.
    setShown(false);
    setProblem(null);
    setBusy(true);
    desk.remember(password.current.value);
    try {
      await session.signIn(name.current.value.trim(), password.current.value);
      editor?.focus();
    } catch (trouble) {
      setProblem(trouble);
      setBusy(false);
      password.current.focus();
      password.current.select();
    }
  };
  return (
    <form onSubmit={signIn} method="post" aria-labelledby="sign-in-title">
      <header className="stub"><h2 id="sign-in-title">Sign in</h2><p>for a bearer token that is valid for one hour and renews itself</p></header>
      <div className="fields">
        <label htmlFor="user-name">E-mail address</label>
        <input id="user-name" name="username" ref={name} autoFocus={takesFocus} inputMode="email" autoComplete="username" autoCapitalize="none" spellCheck={false} required aria-describedby="sign-in-problem" />
        <label htmlFor="password">Password</label>
        <div className="joined">
          <input id="password" name="password" ref={password} type={isShown ? "text" : "password"} autoComplete="current-password" required aria-describedby="sign-in-problem" />
          <button type="button" aria-pressed={isShown} aria-label="Show the password" onClick={() => setShown(!isShown)}>{isShown ? "Hide" : "Show"}</button>
        </div>
        <button className="main" type="submit" disabled={isBusy}>{isBusy ? "Signing in …" : "Sign in"}</button>
        <p className="problem" id="sign-in-problem" role="alert">{problem?.message} {problem?.code && <code>{problem.code}</code>}</p>
      </div>
    </form>
  );
}
