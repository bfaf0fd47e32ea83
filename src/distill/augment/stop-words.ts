// English words that say how a sentence hangs together, not what it speaks of. To replace one is to change the sense: not,
// no and without turn a label around. With the halves that BERT's word splitter makes of don't, we'll, they've.

const lines = `
a an the this that these those such same other another each every either neither both all any some few many much more most
several own only
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves who whom whose which what
am is are was were be been being have has had having do does did doing done can could may might must shall should will would
ought need cannot
no nor not never none nothing nobody nowhere without hardly
and but or if because as until while though although unless since whether than so yet
of at by for with about against between into through during before after above below to from up down in out on off over under
upon within among across toward towards along around per via
again further then once here there now when where why how too very just also even still else ever quite rather almost
don doesn didn isn aren wasn weren haven hasn hadn won wouldn can couldn shouldn mustn mightn needn shan ain ll re ve nt wo ca`

export const englishStopWords: ReadonlySet<string> = new Set(lines.trim().split(/\s+/))
