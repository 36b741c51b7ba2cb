import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { isSignedOut, jobName, overview, startFailure } from './live/job.ts'
import { Header } from './shell/header.tsx'
import { LinkBanner } from './shell/link-banner.tsx'
import { Navigation, pages } from './shell/navigation.tsx'
import { OutcomeNote } from './shell/outcome-note.tsx'
import { SignIn } from './shell/sign-in.tsx'
import { Empty, FailureNotice, Loading } from './parts/notice.tsx'
import { place } from './parts/router.ts'

/** The whole page. */
export function App(): JSX.Element {
  const page = pages.find(({ id }) => id === place.value.page) ?? pages[0]!
  useEffect(() => {
    document.title =
      jobName.value === null ? 'Millrace' : `${page.title} · ${jobName.value.slice(0, 100)} · Millrace`
  }, [page, jobName.value])
  if (isSignedOut.value) return <SignIn />
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Navigation current={page.id} />
      <div class="stage">
        <Header />
        <LinkBanner />
        <OutcomeNote />
        <main id="main" tabIndex={-1} class={page.isFull ? 'full' : ''}>
          {overview.value === null ? (
            <NothingYet />
          ) : (
            <page.Content key={page.id} selected={place.value.selected} />
          )}
        </main>
      </div>
    </div>
  )
}

/** The address of the page is its place, so the link must not change it. */
function skipToMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')!.focus()
}

function NothingYet(): JSX.Element {
  if (startFailure.value !== null) {
    return (
      <>
        <FailureNotice failure={startFailure.value} />
        <Empty title="No figures yet">The page connects as soon as the job answers.</Empty>
      </>
    )
  }
  return <Loading />
}
